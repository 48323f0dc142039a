"""Which arms a design trains, and what a fraction of them confounds."""
