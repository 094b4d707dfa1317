"""The demo's own theme: quiet paper, ink, and one colour for each of the two versions.

Fonts are the ones that Gradio serves itself or the system has: the page works without internet.
"""

from gradio.themes import Base
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color
from gradio.themes.utils.fonts import LocalFont

TEAL = Color(
    name="teal",
    c50="#eefaf8",
    c100="#d3f2ed",
    c200="#a9e4dc",
    c300="#74cfc4",
    c400="#3dbdae",
    c500="#1b9c90",
    c600="#0b7d77",
    c700="#075e5a",
    c800="#084b49",
    c900="#083e3d",
    c950="#042524",
)
PAPER = Color(
    name="paper",
    c50="#f8faf9",
    c100="#f3f6f4",
    c200="#dde4e1",
    c300="#c3cecb",
    c400="#9caeab",
    c500="#768885",
    c600="#586866",
    c700="#3b4a4b",
    c800="#2a3638",
    c900="#151d1f",
    c950="#0e1415",
)
SANS = (
    LocalFont("IBM Plex Sans", weights=(400, 700)),
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "system-ui",
    "sans-serif",
)
MONO = (
    LocalFont("IBM Plex Mono", weights=(400,)),
    "ui-monospace",
    "Menlo",
    "Consolas",
    "monospace",
)
# What Gradio calls them; *name stands for another of its values.
_PAGE = {
    "body_background_fill": "*neutral_100",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "#14211f",
    "body_text_color_dark": "#e9f0ee",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_100",
    "background_fill_secondary_dark": "#1b2527",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "*neutral_800",
    "border_color_accent": "*primary_600",
    "border_color_accent_dark": "*primary_400",
    "color_accent": "*primary_600",
}
_BLOCKS = {
    "block_background_fill": "white",
    "block_background_fill_dark": "*neutral_900",
    "block_border_color": "*neutral_200",
    "block_border_color_dark": "*neutral_800",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "*neutral_600",
    "block_label_text_color_dark": "*neutral_400",
    "block_title_text_color": "#14211f",
    "block_title_text_color_dark": "#e9f0ee",
    "block_title_text_weight": "600",
    "block_title_text_size": "*text_sm",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
    "block_shadow": "none",
}
_FIELDS = {
    "input_border_width": "1px",
    "input_background_fill": "white",
    "input_background_fill_dark": "#1b2527",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "#3b4a4b",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_400",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_500",
    "checkbox_border_color_selected": "*primary_600",
    "checkbox_border_color_selected_dark": "*primary_500",
}
_BUTTONS = {
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_400",
    "button_primary_background_fill_hover_dark": "*primary_300",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "#04201d",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_hover": "*neutral_100",
    "button_secondary_background_fill_dark": "#1b2527",
    "button_secondary_background_fill_hover_dark": "#243032",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "#3b4a4b",
    "button_large_radius": "10px",
    "link_text_color": "*primary_700",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover": "*primary_800",
    "link_text_color_hover_dark": "*primary_200",
}


def build_theme() -> Base:
    """Light and dark; colours of the result itself are in assets/page.css."""
    theme = Base(
        primary_hue=TEAL,
        secondary_hue=TEAL,
        neutral_hue=PAPER,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_lg,
        font=SANS,
        font_mono=MONO,
    )
    theme.name = "frcrn"
    return theme.set(**_PAGE, **_BLOCKS, **_FIELDS, **_BUTTONS)
