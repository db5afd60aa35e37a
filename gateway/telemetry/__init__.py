"""What operators see of the gateway's work: the log, metrics, traces, and lines for files.

What is where:

    log, exchange_line     the log; its line about an exchange
    at_once, lines         how a line goes out: here and now, or by a thread of its own
    traces, spans          exchanges as spans, and what is said in one
    collector              where spans go
    metrics                Prometheus metrics; tallies counts them, together does so for processes
    ndjson, outside        audit events in a file; heads of the audit where no store's writer is
"""
