"""The demo in the browser: one page, one file a tab. Nothing else of the project imports this."""
