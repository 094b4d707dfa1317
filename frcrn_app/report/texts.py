"""The words of the report in English and Chinese. Names of metrics and sources stay as they are."""

from collections.abc import Mapping

Words = Mapping[str, str]

EN: Words = {
    "lang": "en",
    "title": "Speech enhancement report",
    "against": "noisy against {systems}",
    "alone": "noisy sounds alone",
    "files_counted": "{n} files",
    "summary": "Summary",
    "summary_note": (
        "Mean with its 95 % interval, mean gain over the noisy sound with its paired interval, "
        "median, and the share of files on which it beats the noisy sound. The best mean is bold. "
        "Intervals need {min_files} files."
    ),
    "pictures": "Pictures",
    "side_by_side": "Systems side by side",
    "comparison_note": (
        "Paired differences on the files that both systems have. p is two-sided and corrected by "
        "Holm's method for {tests} tests; below {alpha} a difference is called significant. Tests "
        "need {min_files} files."
    ),
    "by_input_snr": "By measured input SNR",
    "by_duration": "By duration",
    "by_group": "By group",
    "group_note": "Mean, mean gain over the noisy sound, and the mean's 95 % interval.",
    "rest_in_json": "The other metrics are in the JSON.",
    "metrics": "What the metrics are",
    "files": "Files",
    "not_scored": "Not scored",
    "provenance": "How to do it again",
    "metric": "Metric",
    "higher": "higher is better",
    "lower": "lower is better",
    "range": "Range",
    "direction": "Direction",
    "source": "Source",
    "unbounded": "unbounded",
    "from_to": "{low} to {high}",
    "from_up": "{low} and up",
    "rtf": "Real-time factor",
    "rtf_unit": "s per s",
    "median": "median",
    "wins": "wins {percent} %",
    "nothing_scored": "not scored",
    "n_of_n": "{n} of {files} files",
    "from_noisy": "from {value} noisy",
    "systems": "Systems",
    "difference": "Difference",
    "interval": "95 % interval",
    "wins_head": "Wins",
    "p_head": "p, corrected",
    "verdict": "Verdict",
    "is_better": "{system} is better",
    "no_difference": "no significant difference",
    "too_few": "too few files",
    "file": "File",
    "snr_head": "SNR, dB",
    "snr_axis": "measured input SNR, dB",
    "gain_in": "Gain in {metric}",
    "more_in_csv": "{n} more files are in the CSV.",
    "what_is_wrong": "What is wrong",
    "unpaired": "Without a partner",
    "as_role": "As",
    "role_clean": "clean",
    "role_noisy": "noisy",
    "why": "Why",
    "stopped": "The run was stopped: {n} of {total} pairs are scored.",
    "lacking": "{n} of {files} files lack scores; the reasons are under “Not scored”.",
    "unpaired_count": "{n} files found no partner; they are listed under “Not scored”.",
    "date": "Date",
    "versions": "Versions",
    "settings": "Settings",
    "settings_text": (
        "alignment {align}, seed {seed}, {workers} scoring processes, {resamples} resamples with "
        "seed {summary_seed}"
    ),
    "on": "on",
    "off": "off",
    "machine": "Machine",
    "cores": "{n} cores",
    "time": "Time",
    "resumed": "{n} scores from an earlier run",
    "weights": "Weights",
    "weights_text": "{name}, {parameters} parameters, licence {licence}, {precision} on {device}",
    "under_s": "under {b} s",
    "between_s": "{a} to {b} s",
    "over_s": "{a} s and more",
    "between_db": "{a} to {b} dB",
    "method_pairs": (
        "{n} pairs of noisy and clean sound ({minutes} minutes{snr}) were scored at 16 kHz, mono, "
        "in {metrics}."
    ),
    "method_alone": (
        "{n} sounds without a clean reference ({minutes} minutes{snr}) were scored at 16 kHz, "
        "mono, in {metrics}."
    ),
    "method_snr": "; measured input SNR {low} to {high} dB, median {median} dB",
    "method_own": (
        "{system} cleaned the noisy sounds here, at strength {strength}, in {precision} on "
        "{device}{took}."
    ),
    "method_took": ", taking {factor} s for a second of sound",
    "method_others": "From files made elsewhere: {systems}.",
    "method_aligned": (
        "Each sound was shifted by up to 100 ms onto its clean one, as their cross-correlation "
        "says, and compared with it; lengths that differ by up to 50 ms were cut to the common "
        "one, larger differences are errors."
    ),
    "method_not_aligned": (
        "Each sound was compared with its clean one without alignment in time; lengths that differ "
        "by up to 50 ms were cut to the common one, larger differences are errors."
    ),
    "method_statistics": (
        "A score that is not defined for a file is missing, not replaced, and every mean that "
        "lacks some says on how many files it rests. Intervals are 95 % bootstrap intervals of the "
        "mean over files; differences are paired, tested by sign flips and corrected for the "
        "number of tests by Holm's method (seed {seed})."
    ),
    "list": ", ",
    "join": " ",
}

ZH: Words = {
    "lang": "zh-CN",
    "title": "语音增强评测报告",
    "against": "含噪语音对比 {systems}",
    "alone": "仅含噪语音",
    "files_counted": "{n} 个文件",
    "summary": "总览",
    "summary_note": (
        "均值及其 95% 区间、相对含噪语音的平均增益及配对区间、中位数，以及优于含噪语音的文件比例。"
        "最佳均值以粗体显示。至少 {min_files} 个文件才给出区间。"
    ),
    "pictures": "图表",
    "side_by_side": "系统对比",
    "comparison_note": (
        "在两个系统都有得分的文件上做配对差值。p 为双侧，并按 Holm 方法对 {tests} 次检验校正；"
        "小于 {alpha} 视为显著。至少 {min_files} 个文件才做检验。"
    ),
    "by_input_snr": "按实测输入信噪比",
    "by_duration": "按时长",
    "by_group": "按分组",
    "group_note": "均值、相对含噪语音的平均增益，以及均值的 95% 区间。",
    "rest_in_json": "其余指标见 JSON。",
    "metrics": "指标说明",
    "files": "文件",
    "not_scored": "未评分",
    "provenance": "如何复现",
    "metric": "指标",
    "higher": "越高越好",
    "lower": "越低越好",
    "range": "范围",
    "direction": "方向",
    "source": "出处",
    "unbounded": "无界",
    "from_to": "{low} 至 {high}",
    "from_up": "不小于 {low}",
    "rtf": "实时率",
    "rtf_unit": "秒/秒",
    "median": "中位数",
    "wins": "胜出 {percent}%",
    "nothing_scored": "无得分",
    "n_of_n": "{n}/{files} 个文件",
    "from_noisy": "含噪为 {value}",
    "systems": "系统",
    "difference": "差值",
    "interval": "95% 区间",
    "wins_head": "胜出",
    "p_head": "校正后的 p",
    "verdict": "结论",
    "is_better": "{system} 更好",
    "no_difference": "无显著差异",
    "too_few": "文件太少",
    "file": "文件",
    "snr_head": "信噪比 dB",
    "snr_axis": "实测输入信噪比，dB",
    "gain_in": "{metric} 增益",
    "more_in_csv": "另有 {n} 个文件，见 CSV。",
    "what_is_wrong": "问题",
    "unpaired": "未配对",
    "as_role": "类别",
    "role_clean": "干净",
    "role_noisy": "含噪",
    "why": "原因",
    "stopped": "评测已停止：共 {total} 对，已评分 {n} 对。",
    "lacking": "{files} 个文件中有 {n} 个缺少部分得分，原因见“未评分”。",
    "unpaired_count": "{n} 个文件未能配对，见“未评分”。",
    "date": "日期",
    "versions": "版本",
    "settings": "设置",
    "settings_text": (
        "对齐：{align}；随机种子 {seed}；{workers} 个评分进程；{resamples} 次重采样，"
        "种子 {summary_seed}"
    ),
    "on": "开",
    "off": "关",
    "machine": "机器",
    "cores": "{n} 核",
    "time": "用时",
    "resumed": "其中 {n} 项得分来自先前的运行",
    "weights": "权重",
    "weights_text": "{name}，{parameters} 个参数，许可证 {licence}，{precision}，{device}",
    "under_s": "{b} 秒以下",
    "between_s": "{a} 至 {b} 秒",
    "over_s": "{a} 秒及以上",
    "between_db": "{a} 至 {b} dB",
    "method_pairs": (
        "对 {n} 对含噪与干净语音（共 {minutes} 分钟{snr}）在 16 kHz 单声道下计算了 {metrics}。"
    ),
    "method_alone": (
        "对 {n} 个无参考语音（共 {minutes} 分钟{snr}）在 16 kHz 单声道下计算了 {metrics}。"
    ),
    "method_snr": "；实测输入信噪比 {low} 至 {high} dB，中位数 {median} dB",
    "method_own": (
        "{system} 在本次运行中处理含噪语音，强度 {strength}，{precision}，{device}{took}。"
    ),
    "method_took": "，每秒语音用时 {factor} 秒",
    "method_others": "由现成文件评分的系统：{systems}。",
    "method_aligned": (
        "每个语音先按互相关与干净语音对齐（最多平移 100 毫秒）再比较；长度相差不超过 50 毫秒时截到"
        "共同长度，更大的差别记为错误。"
    ),
    "method_not_aligned": (
        "每个语音直接与干净语音比较，不做时间对齐；长度相差不超过 50 毫秒时截到共同长度，更大的差别"
        "记为错误。"
    ),
    "method_statistics": (
        "对某个文件没有定义的得分记为缺失，不以其他数值代替；凡有缺失的均值都注明所依据的文件数。"
        "区间为对文件均值的 95% 自助法区间；差值为配对差值，以符号翻转检验，并按 Holm 方法校正"
        "（种子 {seed}）。"
    ),
    "list": "、",
    "join": "",
}

WORDS: Mapping[str, Words] = {"en": EN, "zh": ZH}
