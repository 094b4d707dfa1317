"""Every word of the evaluate tab in English and Chinese.

`EN` and `ZH` are for Gradio's own translation, by key; their keys start with "evaluate_", because
Gradio translates every label and value that equals a key. `WORDS` are for what the server writes
with numbers in it, in the language that the page tells it.
"""

from collections.abc import Mapping

from gradio.i18n import I18nData

_PREFIX = "evaluate_"

_EN = {
    "language": "en",
    "source_title": '<h2 class="fr-title">Test set</h2>',
    "source": "Where the sounds come from",
    "source_examples": "Examples",
    "source_zip": "Zip",
    "source_files": "Files",
    "source_manifest": "CSV",
    "source_folders": "Folders",
    "examples_hint": (
        '<p class="fr-small">Six short pairs that come with the project: one click and you see '
        "what a report looks like.</p>"
    ),
    "zip_hint": (
        '<p class="fr-small">With folders <code>noisy/</code> and <code>clean/</code>; every '
        "further folder, such as <code>other/</code>, is a system to compare. Without "
        "<code>clean/</code>, only DNSMOS is scored.</p>"
    ),
    "files_hint": (
        '<p class="fr-small">Pairs have equal names, up to words such as <code>clean_</code>, '
        "<code>_noisy</code>, <code>_enh</code>, or the same <code>fileid_N</code>.</p>"
    ),
    "manifest_hint": (
        '<p class="fr-small">A CSV file with columns <code>noisy</code> and <code>clean</code>; '
        "<code>group</code> and a column for each system if you like. Upload the sounds it names "
        "with it.</p>"
    ),
    "folders_hint": (
        '<p class="fr-small">Folders of the computer that serves this page, below those that it '
        "was started with.</p>"
    ),
    "zip": "Zip archive",
    "noisy_files": "Noisy",
    "clean_files": "Clean",
    "system_files": "Made by another system (optional)",
    "system_name": "Name of that system",
    "manifest": "CSV file",
    "manifest_sounds": "Sounds that it names",
    "noisy_folder": "Folder with the noisy files",
    "clean_folder": "Folder with the clean files",
    "system_folders": "Other systems, a line each: NAME=FOLDER",
    "settings_title": '<h2 class="fr-title">Settings</h2>',
    "denoise": "Clean the noisy files here, and score that",
    "weights": "Weights",
    "automatic": "Automatic",
    "metrics": "Metrics",
    "align": "Align in time",
    "align_info": "shifts each sound by up to 100 ms onto its clean one; off, delays count",
    "run": "Evaluate",
    "stop": "Stop",
    "csv": "CSV",
    "json": "JSON",
    "html": "HTML report",
    "metric": "Metric",
    "grouping": "Groups",
    "by_input_snr": "By input SNR",
    "by_duration": "By duration",
    "by_group": "By group",
    "scores_of": "Scores of",
    "table": "Files",
    "distribution_title": "<h4>Distribution</h4>",
    "gain_title": "<h4>Gain against input SNR</h4>",
    "group_title": "<h4>Means of groups</h4>",
    "pictures_title": '<h3 class="fr-section">Pictures and groups</h3>',
    "files_title": (
        '<h3 class="fr-section">Files</h3><p class="fr-small">Choose a row to hear its sounds and '
        "see their spectrograms; ⋮ in a heading sorts.</p>"
    ),
    "side_by_side": "Systems side by side",
    "what_metrics_are": "What the metrics are",
    "how_measured": "What was measured, and how",
}

_ZH = {
    "language": "zh",
    "source_title": '<h2 class="fr-title">测试集</h2>',
    "source": "声音来源",
    "source_examples": "示例",
    "source_zip": "Zip",
    "source_files": "文件",
    "source_manifest": "CSV",
    "source_folders": "文件夹",
    "examples_hint": (
        '<p class="fr-small">随项目附带的六对短录音：点一下即可看到报告是什么样子。</p>'
    ),
    "zip_hint": (
        '<p class="fr-small">包含 <code>noisy/</code> 和 <code>clean/</code> 文件夹；其他每个文件夹'
        "（如 <code>other/</code>）作为一个对比系统。没有 <code>clean/</code> 时只计算 DNSMOS。</p>"
    ),
    "files_hint": (
        '<p class="fr-small">配对的文件同名；可带有 <code>clean_</code>、<code>_noisy</code>、'
        "<code>_enh</code> 等字样，或有相同的 <code>fileid_N</code>。</p>"
    ),
    "manifest_hint": (
        '<p class="fr-small">CSV 文件，含 <code>noisy</code> 和 <code>clean</code> 列；可另有 '
        "<code>group</code> 列，以及每个系统一列。请同时上传其中列出的声音文件。</p>"
    ),
    "folders_hint": (
        '<p class="fr-small">提供本页的计算机上的文件夹，须位于启动时开放的文件夹之内。</p>'
    ),
    "zip": "Zip 压缩包",
    "noisy_files": "含噪",
    "clean_files": "干净",
    "system_files": "其他系统的输出（可选）",
    "system_name": "该系统的名称",
    "manifest": "CSV 文件",
    "manifest_sounds": "其中列出的声音",
    "noisy_folder": "含噪文件所在文件夹",
    "clean_folder": "干净文件所在文件夹",
    "system_folders": "其他系统，每行一个：名称=文件夹",
    "settings_title": '<h2 class="fr-title">设置</h2>',
    "denoise": "在此对含噪文件降噪并评分",
    "weights": "模型权重",
    "automatic": "自动",
    "metrics": "指标",
    "align": "时间对齐",
    "align_info": "将每个声音平移至多 100 毫秒与干净声音对齐；关闭时延迟会影响得分",
    "run": "开始评测",
    "stop": "停止",
    "csv": "CSV",
    "json": "JSON",
    "html": "HTML 报告",
    "metric": "指标",
    "grouping": "分组",
    "by_input_snr": "按输入信噪比",
    "by_duration": "按时长",
    "by_group": "按分组",
    "scores_of": "查看系统",
    "table": "文件",
    "distribution_title": "<h4>分布</h4>",
    "gain_title": "<h4>增益与输入信噪比</h4>",
    "group_title": "<h4>分组均值</h4>",
    "pictures_title": '<h3 class="fr-section">图表与分组</h3>',
    "files_title": (
        '<h3 class="fr-section">文件</h3>'
        '<p class="fr-small">选择一行即可试听并查看声谱图；点击表头中的 ⋮ 排序。</p>'
    ),
    "side_by_side": "系统对比",
    "what_metrics_are": "指标说明",
    "how_measured": "测了什么、如何测",
}

EN = {_PREFIX + key: text for key, text in _EN.items()}
ZH = {_PREFIX + key: text for key, text in _ZH.items()}

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "empty_title": "A report you can decide with",
        "empty_1": "Choose a test set, or keep the examples",
        "empty_2": "Choose what to measure",
        "empty_3": "Get means with intervals, pictures, every file, and a report to pass on",
        "queued": "Waiting for another evaluation to finish",
        "starting": "Reading the sounds",
        "running": "Scoring",
        "done_of": "{percent} %",
        "left": "about {time} left",
        "minutes": "{m} min {s} s",
        "seconds": "{s} s",
        "stopping": "Stopping after the sounds under way",
        "failed": "This cannot be evaluated",
        "result": "Result of {n} files",
        "file": "File",
        "group": "Group",
        "seconds_head": "s",
        "snr_head": "SNR dB",
        "problems_head": "Problems",
        "gain_axis": "gain in {metric}",
        "snr_axis": "measured input SNR, dB",
        "clean": "clean",
        "as_scored": "As scored: 16 kHz, mono. All pictures share one scale, {range} dB deep.",
        "gone": "This result is no longer here: evaluate again.",
        "play": "Play",
        "pause": "Pause",
    },
    "zh": {
        "empty_title": "一份可以据以决策的报告",
        "empty_1": "选择测试集，或保留示例",
        "empty_2": "选择要测的指标",
        "empty_3": "得到带区间的均值、图表、每个文件的得分，以及可转交的报告",
        "queued": "正在等待另一项评测结束",
        "starting": "正在读取声音",
        "running": "正在评分",
        "done_of": "{percent}%",
        "left": "约剩 {time}",
        "minutes": "{m} 分 {s} 秒",
        "seconds": "{s} 秒",
        "stopping": "处理完当前声音后停止",
        "failed": "无法评测",
        "result": "{n} 个文件的结果",
        "file": "文件",
        "group": "分组",
        "seconds_head": "秒",
        "snr_head": "信噪比 dB",
        "problems_head": "问题",
        "gain_axis": "{metric} 增益",
        "snr_axis": "实测输入信噪比，dB",
        "clean": "干净",
        "as_scored": "与评分时相同：16 kHz 单声道。各图使用同一刻度，范围 {range} dB。",
        "gone": "结果已不在此处，请重新评测。",
        "play": "播放",
        "pause": "暂停",
    },
}


def text(key: str) -> I18nData:
    """A translated text, for a label, a title, an info or a value."""
    return I18nData(_PREFIX + key)
