"""Networks written for other runtimes, each compared with torch."""
