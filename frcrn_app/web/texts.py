"""Every word of the page in English and Chinese.

`EN` and `ZH` are for Gradio's own translation, by key; a text with HTML in it is one key, since
Gradio translates one key in a string. `PLAYER` goes to the result's JavaScript as a whole, which
learns the page's language from the key "language".
"""

from pathlib import Path

import gradio as gr
from gradio.i18n import I18nData

from frcrn_app.web.texts_evaluate import EN as EVALUATE_EN
from frcrn_app.web.texts_evaluate import ZH as EVALUATE_ZH

EN = {
    "language": "en",
    "hero": (
        "<h1>Hear the voice, not the room.</h1>"
        "<p>FRCRN takes fans, keyboards, streets and chatter out of speech recordings, and gives "
        "them back as long, as loud and in the same format as they came.</p>"
    ),
    "tab_denoise": "Denoise",
    "tab_evaluate": "Evaluate",
    "sound_title": '<h2 class="fr-title">Your recording</h2>',
    "sound": "Upload or record",
    "video": "Use the sound of a video or another file",
    "examples_title": '<p class="fr-small">Or listen to an example:</p>',
    "example_fan-russian": "Fan, Russian",
    "example_keyboard-english": "Keyboard, English",
    "example_street-italian-stereo": "Street, Italian",
    "example_music-french": "Music, French",
    "example_cafe-spanish": "Café, Spanish",
    "example_room-english": "Echoing room, English",
    "microphone_title": "What browsers do to microphones",
    "raw_microphone": "Ask the browser for the unfiltered microphone",
    "microphone_hint": (
        "<p>Browsers filter microphones before any page hears them: noise suppression, echo "
        "cancellation, automatic gain. A recording made that way is half cleaned already. This "
        "page asks for the unfiltered sound; some browsers and headsets filter it all the same."
        "</p><ul>"
        "<li><b>Firefox</b>: in <code>about:config</code>, set "
        "<code>media.getusermedia.noise_suppression_enabled</code>, <code>…agc_enabled</code> and "
        "<code>…aec_enabled</code> to false.</li>"
        "<li><b>Windows</b>: Settings › Sound › your microphone › Audio enhancements › Off.</li>"
        "<li><b>macOS</b>: while recording, menu bar › Mic Mode › Standard.</li>"
        "<li>Or record with another program and upload the file.</li></ul>"
    ),
    "settings_title": '<h2 class="fr-title">Settings</h2>',
    "strength": "Strength",
    "strength_info": "0 leaves the sound as it is; 1 removes all the noise it can",
    "weights": "Weights",
    "automatic": "Automatic",
    "fetch": "Fetch",
    "fetching": "Fetching",
    "at_work": "At work:",
    "official_hint": (
        '<p class="fr-small">The official weights are not here. Whoever runs this page can fetch '
        "them: <code>python -m frcrn_app weights fetch frcrn-16k</code></p>"
    ),
    "format": "Format of the download",
    "format_same": "As the recording",
    "format_wav16": "WAV, 16 bit",
    "format_wav-float": "WAV, 32-bit float",
    "format_flac": "FLAC",
    "again": "Clean again",
    "private": (
        '<p class="fr-small">Recordings are processed by the computer that serves this page, sent '
        "nowhere else, and deleted within two hours.</p>"
    ),
}

ZH = {
    "language": "zh",
    "hero": (
        "<h1>只听人声，不听噪声。</h1>"
        "<p>FRCRN 从语音录音中去除风扇、键盘、街道和人群的噪声，"
        "时长、音量和文件格式都与原来一致。</p>"
    ),
    "tab_denoise": "降噪",
    "tab_evaluate": "评测",
    "sound_title": '<h2 class="fr-title">您的录音</h2>',
    "sound": "上传或录音",
    "video": "使用视频或其他文件中的声音",
    "examples_title": '<p class="fr-small">或者试听一个示例：</p>',
    "example_fan-russian": "风扇，俄语",
    "example_keyboard-english": "键盘，英语",
    "example_street-italian-stereo": "街道，意大利语",
    "example_music-french": "音乐，法语",
    "example_cafe-spanish": "咖啡馆，西班牙语",
    "example_room-english": "有回声的房间，英语",
    "microphone_title": "浏览器对麦克风做了什么",
    "raw_microphone": "向浏览器请求未经处理的麦克风声音",
    "microphone_hint": (
        "<p>在网页听到之前，浏览器已经处理过麦克风的声音：噪声抑制、回声消除、自动增益。"
        "这样录下的声音已经被降噪了一半。本页会请求未经处理的声音，"
        "但有些浏览器和耳机仍会处理。</p><ul>"
        "<li><b>Firefox</b>：在 <code>about:config</code> 中将 "
        "<code>media.getusermedia.noise_suppression_enabled</code>、<code>…agc_enabled</code> 和 "
        "<code>…aec_enabled</code> 设为 false。</li>"
        "<li><b>Windows</b>：设置 › 声音 › 您的麦克风 › 音频增强 › 关闭。</li>"
        "<li><b>macOS</b>：录音时，菜单栏 › 麦克风模式 › 标准。</li>"
        "<li>也可以用其他程序录音，再上传文件。</li></ul>"
    ),
    "settings_title": '<h2 class="fr-title">设置</h2>',
    "strength": "强度",
    "strength_info": "0 保持原声；1 尽可能去除全部噪声",
    "weights": "模型权重",
    "automatic": "自动",
    "fetch": "下载",
    "fetching": "正在下载",
    "at_work": "正在使用：",
    "official_hint": (
        '<p class="fr-small">官方权重尚未下载。运行本页的人可以下载：'
        "<code>python -m frcrn_app weights fetch frcrn-16k</code></p>"
    ),
    "format": "下载格式",
    "format_same": "与录音相同",
    "format_wav16": "WAV，16 位",
    "format_wav-float": "WAV，32 位浮点",
    "format_flac": "FLAC",
    "again": "重新降噪",
    "private": (
        '<p class="fr-small">录音只由提供本页的计算机处理，不会发往别处，并在两小时内删除。</p>'
    ),
}

PLAYER = {
    "en": {
        "result": "Result",
        "empty": "The cleaned sound appears here",
        "cancelled": "Cancelled. Nothing was changed.",
        "step_1": "Upload a recording, record one, or pick an example.",
        "step_2": "Cleaning starts by itself.",
        "step_3": "Switch between before and after while it plays.",
        "queued": "Waiting: {n} ahead of you",
        "loading": "Reading the sound and waking the network…",
        "cleaning": "Cleaning…",
        "cleaning_percent": "Cleaning… {percent} %",
        "progress": "Progress",
        "cancel": "Cancel",
        "failed": "That did not work",
        "ready": "The cleaned sound is ready.",
        "download": "Download",
        "mono": "mono",
        "stereo": "stereo",
        "channels": "{n} channels",
        "player": "Player: original and cleaned",
        "version": "Version that is heard",
        "original": "Original",
        "cleaned": "Cleaned",
        "play": "Play",
        "pause": "Pause",
        "position": "Position",
        "position_of": "{at} of {all}",
        "key_play": "play or pause",
        "key_switch": "switch version",
        "key_seek": "move",
        "spectrogram": "Spectrogram",
        "spectrogram_of": "Spectrogram, {version}",
        "scale": "both on one scale of {range} dB · drag the line",
        "drawing": "drawing…",
        "divider": "Dividing line: original to its left, cleaned to its right",
        "duration": "Duration",
        "milliseconds": "{n} ms",
        "seconds": "{n} s",
        "time_taken": "Time taken",
        "faster": "{n} × faster than real time",
        "rtf": "Real-time factor",
        "rtf_note": "seconds of work for a second of sound",
        "noise_reduction": "Noise reduction",
        "noise_reduction_note": "estimated: fall of level in the cleaned sound's quietest fifth",
        "device": "Device",
        "weights": "Weights",
        "unknown": "unknown",
        "dnsmos": "Speech quality, as DNSMOS hears it",
        "listening": "listening to both versions…",
        "score": "Score",
        "SIG": "Speech",
        "BAK": "Background",
        "OVRL": "Overall",
        "before": "before",
        "after": "after",
        "change": "change",
        "dnsmos_note": "From 1 (bad) to 5 (excellent), predicted by a network trained on "
        "listeners' ratings; higher is better.",
        "dnsmos_note_part": "From 1 (bad) to 5 (excellent), predicted by a network trained on "
        "listeners' ratings, for {n} stretches of 9 s spread over the sound; higher is better.",
    },
    "zh": {
        "result": "结果",
        "empty": "降噪后的声音将显示在这里",
        "cancelled": "已取消，没有任何改动。",
        "step_1": "上传录音、现场录制，或选择一个示例。",
        "step_2": "降噪会自动开始。",
        "step_3": "播放时可随时切换降噪前后。",
        "queued": "排队中：前面还有 {n} 个",
        "loading": "正在读取声音并唤醒网络……",
        "cleaning": "正在降噪……",
        "cleaning_percent": "正在降噪…… {percent} %",
        "progress": "进度",
        "cancel": "取消",
        "failed": "没有成功",
        "ready": "降噪后的声音已就绪。",
        "download": "下载",
        "mono": "单声道",
        "stereo": "立体声",
        "channels": "{n} 声道",
        "player": "播放器：原声与降噪后",
        "version": "正在听的版本",
        "original": "原声",
        "cleaned": "降噪后",
        "play": "播放",
        "pause": "暂停",
        "position": "位置",
        "position_of": "{at}，共 {all}",
        "key_play": "播放或暂停",
        "key_switch": "切换版本",
        "key_seek": "移动",
        "spectrogram": "频谱图",
        "spectrogram_of": "频谱图，{version}",
        "scale": "两图同一标度，{range} dB · 可拖动分界线",
        "drawing": "正在绘制……",
        "divider": "分界线：左侧为原声，右侧为降噪后",
        "duration": "时长",
        "milliseconds": "{n} 毫秒",
        "seconds": "{n} 秒",
        "time_taken": "用时",
        "faster": "比实时快 {n} 倍",
        "rtf": "实时率",
        "rtf_note": "处理一秒声音所用的秒数",
        "noise_reduction": "降噪量",
        "noise_reduction_note": "估计值：降噪后最安静的五分之一处电平的下降",
        "device": "设备",
        "weights": "权重",
        "unknown": "未知",
        "dnsmos": "语音质量（DNSMOS 评分）",
        "listening": "正在评听两个版本……",
        "score": "评分",
        "SIG": "语音",
        "BAK": "背景",
        "OVRL": "总体",
        "before": "之前",
        "after": "之后",
        "change": "变化",
        "dnsmos_note": "从 1（差）到 5（优），由用听众评分训练的网络预测，越高越好。",
        "dnsmos_note_part": "从 1（差）到 5（优），由用听众评分训练的网络"
        "根据全部录音中 {n} 段 9 秒的声音预测，越高越好。",
    },
}

# Gradio translates every label and value that equals one of its own keys, such as "video".
_PREFIX = "frcrn_"


def build_i18n() -> gr.I18n:
    """Gradio's translator of the whole page; page.js sees to it that the locale is one of these."""
    own = [{_PREFIX + key: words for key, words in texts.items()} for texts in (EN, ZH)]
    return gr.I18n(en=own[0] | EVALUATE_EN, zh=own[1] | EVALUATE_ZH)


def example_title(file: Path) -> I18nData | str:
    """What the button of an example says: its translated kind, else its file name in words."""
    key = f"example_{file.stem}"
    return text(key) if key in EN else file.stem.replace("_", " ").replace("-", " ").capitalize()


def text(key: str) -> I18nData:
    """A translated text, for a label, a title, an info or a value."""
    return I18nData(_PREFIX + key)
