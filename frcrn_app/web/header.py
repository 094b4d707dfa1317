"""The head line of every page: brand, language switch, colour scheme; drawn by header.js."""

HEADER = """
<header class="fr-header">
  <span class="fr-brand">
    <svg viewBox="0 0 34 34" aria-hidden="true">
      <rect width="34" height="34" rx="9" fill="var(--fr-cleaned)"/>
      <path d="M5 17l2.6-7 2.4 14 2.4-11 2.2 7L17 17c2.2 0 2.2-5 4.4-5s2.2 9 4.4 9 2.2-4 4.2-4"
        fill="none" stroke="var(--fr-on-cleaned)" stroke-width="2" stroke-linecap="round"
        stroke-linejoin="round"/>
    </svg>
    FRCRN
  </span>
  <span class="fr-languages" role="group" data-languages>
    <button type="button" data-language="en" lang="en">EN</button>
    <button type="button" data-language="zh" lang="zh">中文</button>
  </span>
  <button type="button" class="fr-theme" data-theme>
    <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      <circle cx="12" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="2"/>
      <path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor"/>
    </svg>
  </button>
</header>
"""
