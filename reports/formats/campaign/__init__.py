"""How is the audit of a campaign written down? One file for each format that can; `Format.of_campaign` leads here."""
