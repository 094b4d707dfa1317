"""The sentences that tell a visitor what is wrong, in Chinese.

Errors are raised in English, far from any page. Here each sentence that the page or a report can
show stands as a pattern, whose {fields} carry names and numbers over into the Chinese. Left out,
and shown in English, is what only the command line, programs or the person who starts the demo can
cause.
"""

import re
from collections.abc import Callable
from string import Formatter

_LONGEST = 4000  # characters; longer ones quote something senseless, and would be slow to match

_BY_HAND = (
    "To install it by hand, download {filename} from {page} and put it at {path} "
    "(sha256 {sha256}). The embedded weights go on working without it."
)
_BY_HAND_ZH = (
    "如需手动安装，请从 {page} 下载 {filename}，放到 {path}（sha256 {sha256}）。"
    "没有它，内置权重仍可使用。"
)
_RATES = "rates from {low} to {high} Hz can be processed."
_RATES_ZH = "可处理 {low} 至 {high} Hz 的采样率。"
_OTHER_WEIGHTS = "权重文件“{file}”无法使用：它不适用于此网络，或已损坏，请选择其他权重。"

# The first pattern that fits the whole sentence counts.
SENTENCES = {
    # Of a pair: first, because what follows the colon is one of the sentences below.
    "The {role} sound: {problem}": "{role}声音：{problem}",
    # Sounds
    "{sound} is not a sound file but {kind}: choose a recording.": (
        "{sound}不是声音文件（{kind}），请选择录音。"
    ),
    "{sound} is cut off: its header promises more than there is; copy or export it again.": (
        "{sound}不完整：文件头声明的内容多于实际内容，请重新复制或导出。"
    ),
    "{sound} is cut off: it holds {held} of {stated} s; copy or export it again.": (
        "{sound}不完整：应有 {stated} 秒，只有 {held} 秒，请重新复制或导出。"
    ),
    "{sound} is damaged or cut off: copy or export it again.": (
        "{sound}已损坏或不完整，请重新复制或导出。"
    ),
    "{sound} cannot be read as sound: it is damaged, cut off or no sound file at all.": (
        "{sound}无法作为声音读取：文件已损坏、不完整，或根本不是声音文件。"
    ),
    "{sound} is a video without sound: choose one with a sound track.": (
        "{sound}是没有声音的视频，请选择带有音轨的视频。"
    ),
    "{sound} is coded in a way that cannot be decoded here: export it as WAV.": (
        "{sound}的编码在这里无法解码，请导出为 WAV。"
    ),
    "{sound} changes its sample rate or channels midway: export it again.": (
        "{sound}的采样率或声道数中途改变，请重新导出。"
    ),
    "{sound} holds no samples: record or export it again.": (
        "{sound}不含任何采样点，请重新录制或导出。"
    ),
    "{sound} has NaN or infinite samples, the first at {second} s: "
    "export it again, or replace them by zeros.": (
        "{sound}含有 NaN 或无穷大的采样点，第一个在 {second} 秒处，请重新导出，或将其替换为零。"
    ),
    "{sound} has an unknown sample rate: " + _RATES: "{sound}的采样率未知：" + _RATES_ZH,
    "{sound} has a sample rate of {rate} Hz: " + _RATES: (
        "{sound}的采样率为 {rate} Hz：" + _RATES_ZH
    ),
    "{sound} is longer than the limit of {limit} s: "
    "cut it into shorter files, or raise the limit (--max-seconds).": (
        "{sound}超过 {limit} 秒的上限，请剪成较短的文件，或提高上限（--max-seconds）。"
    ),
    '"{file}" is empty (0 bytes): record or copy it again.': (
        "“{file}”是空文件（0 字节），请重新录制或复制。"
    ),
    'There is no file "{file}": check the path.': "找不到文件“{file}”，请检查路径。",
    '"{file}" may not be read: check its permissions.': "“{file}”不允许读取，请检查其权限。",
    '"{file}" cannot be read ({reason}): check the path.': (
        "“{file}”无法读取（{reason}），请检查路径。"
    ),
    '"{file}" is not written: the sound has NaN or infinite samples.': (
        "“{file}”没有写入：声音含有 NaN 或无穷大的采样点。"
    ),
    "FLAC holds at most 8 channels, not {channels}: choose WAV.": (
        "FLAC 最多 8 个声道，而这段声音有 {channels} 个，请选择 WAV。"
    ),
    '"{file}" cannot be written (the disk may be full: {reason}): check the folder.': (
        "“{file}”无法写入：磁盘可能已满。"
    ),
    '"{file}" cannot be written ({reason}): check the folder.': (
        "“{file}”无法写入（{reason}），请检查文件夹。"
    ),
    '"{file}" cannot be written: no format holds {channels} channels.': (
        "“{file}”无法写入：没有格式能容纳 {channels} 个声道。"
    ),
    "The scored sound is silent (below {level} dBFS).": (
        "这段声音近乎无声（低于 {level} dBFS），无法评分。"
    ),
    # Weights
    'No weights are called "{name}"; there are: {offered}.': (
        "没有名为“{name}”的权重，可选：{offered}。"
    ),
    'The weights "{name}" are not here, and may not be fetched.': (
        "权重“{name}”尚未下载，也不允许在此下载。"
    ),
    'The weights "{name}" are not here yet: run `{command}`, or put the file at {path} yourself '
    "(from {source}; sha256 {sha256}).": (
        "权重“{name}”尚未下载：请运行 `{command}`，或自行将文件放到 {path}"
        "（来自 {source}；sha256 {sha256}）。"
    ),
    'The weights "{name}" are missing: {path} is not there.': "缺少权重“{name}”：找不到 {path}。",
    "The embedded weights are missing from {folder}: restore {file} from the project, "
    "or choose weights by name or path.": (
        "{folder} 中缺少内置权重，请从项目中恢复 {file}，或选择其他权重。"
    ),
    'The file {file} is not the known "{name}": its sha256 is {found} instead of {known}; '
    "{advice}.": "文件“{file}”不是已知的“{name}”：其 sha256 为 {found}，应为 {known}。",
    # Of the many ways to be no checkpoint, whoever chose it from the menu needs no details.
    "The file {file} is {fault}.": _OTHER_WEIGHTS,
    "The file {file} has {fault}.": _OTHER_WEIGHTS,
    "The file {file} holds {fault}.": _OTHER_WEIGHTS,
    "The file {file} was made for {fault}.": _OTHER_WEIGHTS,
    "The file {file} does not fit {fault}.": _OTHER_WEIGHTS,
    "The file {file} contradicts itself: {fault}.": _OTHER_WEIGHTS,
    "Cannot read {file}: {reason}.": "无法读取“{file}”（{reason}）。",
    # Weights on their way here
    "Cannot write {file}: {reason}; free some room, or set FRCRN_WEIGHTS_DIR to a folder that can "
    "be written.": (
        "无法写入“{file}”（{reason}），请腾出空间，或将 FRCRN_WEIGHTS_DIR 设为可写的文件夹。"
    ),
    "{folder} has {free} MB free and {name} needs {needed} MB more: free some room, or set "
    "FRCRN_WEIGHTS_DIR to a folder on another disk.": (
        "{folder} 只剩 {free} MB，而 {name} 还需要 {needed} MB，请腾出空间，"
        "或将 FRCRN_WEIGHTS_DIR 设为另一块磁盘上的文件夹。"
    ),
    "{url} wants an account (HTTP {status}): set {token}. " + _BY_HAND: (
        "{url} 需要账号（HTTP {status}），请设置 {token}。" + _BY_HAND_ZH
    ),
    "{url} has no such file (HTTP {status}). " + _BY_HAND: (
        "{url} 没有这个文件（HTTP {status}）。" + _BY_HAND_ZH
    ),
    "What {url} offers is not the known {filename}: it has {found} bytes instead of {size}. "
    + _BY_HAND: (
        "{url} 提供的不是已知的 {filename}：大小为 {found} 字节，应为 {size} 字节。" + _BY_HAND_ZH
    ),
    "What {url} sends is not the known {filename}: it goes on after {size} bytes. " + _BY_HAND: (
        "{url} 发来的不是已知的 {filename}：超过了 {size} 字节。" + _BY_HAND_ZH
    ),
    "What came from {url} is not the known {filename}: its sha256 is {found}; it was removed. "
    + _BY_HAND: ("{url} 发来的不是已知的 {filename}：其 sha256 为 {found}，已删除。" + _BY_HAND_ZH),
    "Cannot fetch {name} from {url} ({reason}). " + _BY_HAND: (
        "无法从 {url} 下载 {name}（{reason}）。" + _BY_HAND_ZH
    ),
    # Test sets
    "There is no noisy sound file: check the folder and the files' suffixes.": (
        "没有含噪声音文件，请检查文件夹和文件的扩展名。"
    ),
    "There is no clean sound file: check the folder and the files' suffixes.": (
        "没有干净声音文件，请检查文件夹和文件的扩展名。"
    ),
    'No file of "{name}" goes with a noisy file: give both the same names.': (
        "“{name}”中没有文件能与含噪文件配对，请让两者同名。"
    ),
    "No noisy file goes with a clean one: give both the same names, such as clean/a.wav and "
    "noisy/a.wav.": (
        "没有含噪文件能与干净文件配对，请让两者同名，例如 clean/a.wav 和 noisy/a.wav。"
    ),
    'A system cannot be called "{name}": give it another name.': (
        "系统不能叫“{name}”，请换一个名称。"
    ),
    "{count} pairs are more than the {most} that are scored in the browser: "
    "use python -m frcrn_app evaluate.": (
        "共 {count} 对，浏览器中最多评测 {most} 对，请使用 python -m frcrn_app evaluate。"
    ),
    "{metrics} can only be had with clean sounds: give those too, or ask for dnsmos.": (
        "没有干净声音就无法计算 {metrics}，请一并提供，或选择 DNSMOS。"
    ),
    '"{file}" cannot be written ({reason}).': "“{file}”无法写入（{reason}）。",
    "No noisy files were given: upload some.": "没有含噪文件，请上传。",
    # Test sets: archives
    "No archive was given: upload a zip file.": "没有压缩包，请上传 Zip 文件。",
    '"{file}" is not a whole zip archive: make it again.': (
        "“{file}”不是完整的 Zip 压缩包，请重新制作。"
    ),
    '"{file}" is packed in a way that is not read: use zip.': (
        "“{file}”的压缩方式无法读取，请使用 Zip。"
    ),
    '"{file}" is encrypted: make one without a password.': (
        "“{file}”已加密，请制作不带密码的压缩包。"
    ),
    '"{file}" holds {count} files; up to {most} are read.': (
        "“{file}”含有 {count} 个文件，最多读取 {most} 个。"
    ),
    '"{file}" unpacks to more than {size} GB: split it into smaller sets.': (
        "“{file}”解压后超过 {size} GB，请拆分成较小的测试集。"
    ),
    '"{file}" holds a path that leads out of it ("{name}"): make it again.': (
        "“{file}”含有指向压缩包之外的路径（“{name}”），请重新制作。"
    ),
    '"{file}" cannot be unpacked ({reason}).': "“{file}”无法解压（{reason}）。",
    "There is not enough disk space to unpack the archive.": "磁盘空间不足，无法解压。",
    "There is no folder called noisy in it: put the sounds into clean/ and noisy/, and those of "
    "other systems into folders of their own.": (
        "其中没有名为 noisy 的文件夹：请将声音放入 clean/ 和 noisy/，"
        "其他系统的输出放入各自的文件夹。"
    ),
    # Test sets: CSV files
    "No CSV file was given: upload one.": "没有 CSV 文件，请上传。",
    '"{file}" has no column "noisy": its first line must name the columns, such as '
    "clean,noisy,group.": ("“{file}”没有 noisy 列：第一行必须是列名，例如 clean,noisy,group。"),
    'No line of "{file}" can be used: check its paths.': (
        "“{file}”中没有可用的行，请检查其中的路径。"
    ),
    'No line of "{file}" can be used (line {line}: the cell is empty): check its paths.': (
        "“{file}”中没有可用的行（第 {line} 行：单元格为空），请检查其中的路径。"
    ),
    'No line of "{file}" can be used ({cell}: line {line}: there is no such file): '
    "check its paths.": (
        "“{file}”中没有可用的行（第 {line} 行：找不到 {cell}），请检查其中的路径。"
    ),
    '"{file}" is not UTF-8 text: save it as CSV UTF-8.': (
        "“{file}”不是 UTF-8 文本，请另存为 CSV UTF-8。"
    ),
    '"{file}" cannot be read ({reason}).': "“{file}”无法读取（{reason}）。",
    '"{file}" is not a CSV file ({reason}).': "“{file}”不是 CSV 文件。",
    '"{file}" is empty.': "“{file}”是空文件。",
    '"{file}" has more than {most} lines: split it.': "“{file}”超过 {most} 行，请拆分。",
    '"{file}" has several columns called "{column}".': "“{file}”有多个名为“{column}”的列。",
    # Test sets: folders
    "No folder was named: type the one with the noisy files.": (
        "没有填写文件夹，请填写含噪文件所在的文件夹。"
    ),
    '"{folder}" is not a folder that this demo may read.': "“{folder}”不是本页可以读取的文件夹。",
    'There is no folder "{folder}": check the path.': "找不到文件夹“{folder}”，请检查路径。",
    'Systems are given as NAME=FOLDER, not "{line}".': (
        "系统请写成“名称=文件夹”，而不是“{line}”。"
    ),
    # What is wrong with single rows of an evaluation
    "The {role} sound is empty.": "{role}声音为空。",
    "The {role} sound holds NaN or infinite samples.": "{role}声音含有 NaN 或无穷大的采样点。",
    "The {role} sound is silent (below {level} dBFS).": "{role}声音是静音（低于 {level} dBFS）。",
    "Its length, {length} s, differs from that of the clean sound, {clean_length} s, by more than "
    "{limit} ms: cut both to the same part.": (
        "其长度为 {length} 秒，与干净声音的 {clean_length} 秒相差超过 {limit} 毫秒，"
        "请将两者剪成同一段。"
    ),
    "PESQ needs at least {seconds} s of sound.": "PESQ 至少需要 {seconds} 秒的声音。",
    "PESQ found no speech in the sound.": "PESQ 在声音中没有找到语音。",
    "PESQ could not score the sound: {reason}.": "PESQ 无法评分：{reason}。",
    "STOI needs at least 0.4 s of sound that is not silent.": "STOI 至少需要 0.4 秒的非静音声音。",
    "LSD needs at least {count} samples.": "LSD 至少需要 {count} 个采样点。",
    "The clean sound is constant; SI-SDR is not defined for it.": (
        "干净声音是常数，SI-SDR 对它没有定义。"
    ),
    "The scored sound equals the clean one; SI-SDR is unbounded.": (
        "被评分的声音与干净声音相同，SI-SDR 无上界。"
    ),
    "The scored sound holds nothing of the clean one; SI-SDR is unbounded.": (
        "被评分的声音不含干净声音的任何成分，SI-SDR 无下界。"
    ),
    "{metric} came out as {value}.": "{metric} 的结果是 {value}。",
    "There is no file of this system.": "没有这个系统的文件。",
    "Scoring failed: {fault}": "评分失败：{fault}",
    "Scoring took longer than {limit} and was given up.": "评分超过 {limit}，已放弃。",
    "The scoring process was ended by signal {signal}, twice.": (
        "评分进程两次被信号 {signal} 终止。"
    ),
    "The scoring process ended with code {code}, twice.": "评分进程两次以代码 {code} 结束。",
    "Cleaning failed: {fault}": "降噪失败：{fault}",
    "no file goes with it": "没有与之对应的文件",
    "no noisy file goes with it": "没有与之对应的含噪文件",
    "this system has no file for it": "这个系统没有对应的文件",
    "several files go with it: {names}": "有多个文件与之对应：{names}",
    "{file} goes with several files: {names}": "{file} 与多个文件对应：{names}",
    "the cell is empty": "单元格为空",
    "there is no such file": "找不到文件",
    "line {number}: {problem}": "第 {number} 行：{problem}",
    # The demo's own faults
    "Something went wrong in the demo itself (reference {reference}). "
    "Try again; if it stays, tell whoever runs this page the reference.": (
        "本页自身出了问题（编号 {reference}）。请重试；如果仍然如此，请将编号告诉运行本页的人。"
    ),
}

# What fields may hold that is neither a name nor a number.
_WORDS = {
    "clean": "干净",
    "noisy": "含噪",
    "scored": "被评分的",
    "The sound": "这段声音",
    "a PNG picture": "PNG 图片",
    "a JPEG picture": "JPEG 图片",
    "a GIF picture": "GIF 图片",
    "a PDF document": "PDF 文档",
    "a ZIP archive": "ZIP 压缩包",
    "a web page": "网页",
    "No space left on device": "磁盘已满",
    "Disk quota exceeded": "磁盘配额已满",
    "Read-only file system": "文件系统只读",
    "Permission denied": "没有权限",
    "No such file or directory": "文件不存在",
    "Is a directory": "是文件夹",
    "Not a directory": "不是文件夹",
    "File exists": "已有同名文件",
    "File name too long": "文件名过长",
    "Input/output error": "读写错误",
    "All connection attempts failed": "无法连接",
    "Connection refused": "连接被拒绝",
    "Name or service not known": "找不到主机",
    "Temporary failure in name resolution": "暂时无法解析主机名",
    "Network is unreachable": "网络不可达",
    "The read operation timed out": "读取超时",
    "timed out": "超时",
}
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def in_chinese(sentence: str) -> str:
    """The Chinese for an English sentence; one that is not known here comes back as it is."""
    if len(sentence) > _LONGEST:
        return sentence
    for pattern, chinese in _PATTERNS:
        match = pattern.fullmatch(sentence)
        if match is not None:
            return chinese.format(
                **{
                    field: in_chinese(text) if field == "problem" else _field_in_chinese(text)
                    for field, text in match.groupdict().items()
                }
            )
    return sentence


def sentences_in(language: str) -> Callable[[str], str]:
    """What brings an English sentence into a language: "zh" and the like, else nothing happens."""
    return in_chinese if language[:2].lower() == "zh" else str


def _field_in_chinese(text: str) -> str:
    plain = _ERROR_NUMBER.sub("", text, count=1)
    if plain in _WORDS:
        return _WORDS[plain]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return f"“{text[1:-1]}”"
    return text


def _pattern(template: str) -> re.Pattern:
    """A template's fields as groups; where a field comes again, the same text must."""
    parts, seen = [], set()
    for literal, field, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if field is not None:
            parts.append(f"(?P={field})" if field in seen else f"(?P<{field}>.*?)")
            seen.add(field)
    return re.compile("".join(parts), re.DOTALL)


_PATTERNS = [(_pattern(template), chinese) for template, chinese in SENTENCES.items()]
