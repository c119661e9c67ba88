"""An amount in Chinese capitals, as it is written on receipts (正确填写票据和结算凭证的基本规定, 支付结算办法附一).

The rule: 人民币, then the number without a gap; 整 after yuan or jiao and never after fen; one 零 where zeros stand
between figures, and before fen where there is no jiao.
"""

from typing import Final

_FIGURES: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿")
_FEN_MAX: Final = 10**14  # below one trillion yuan


def capitals(fen: int) -> str:
    """224000 -> 人民币贰仟贰佰肆拾元整. ValueError for a negative amount, or one of a trillion yuan."""
    if not 0 <= fen < _FEN_MAX:
        raise ValueError("an amount on a receipt is not negative, and below a trillion yuan")
    yuan, rest = divmod(fen, 100)
    jiao, odd = divmod(rest, 10)
    text = f"{_whole(yuan)}元" if yuan or not rest else ""
    if jiao:
        text += f"{_FIGURES[jiao]}角"
    elif odd and yuan:
        text += "零"
    return f"人民币{text}{f'{_FIGURES[odd]}分' if odd else '整'}"


def _whole(yuan: int) -> str:
    if not yuan:
        return _FIGURES[0]
    groups = []
    while yuan:
        yuan, group = divmod(yuan, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = True
            continue
        if text and (gap or group < 1_000):
            text += _FIGURES[0]
        text += _thousands(group) + _GROUPS[place]
        gap = False
    return text


def _thousands(group: int) -> str:
    """1 to 9,999."""
    text, gap = "", False
    for place in (3, 2, 1, 0):
        figure = group // 10**place % 10
        if not figure:
            gap = True
            continue
        if text and gap:
            text += _FIGURES[0]
        text += _FIGURES[figure] + _PLACES[place]
        gap = False
    return text
