"""What people asked for: queued fairly, run, followed, saved, and found again after a restart."""

from studio.jobs.book import JobBook

__all__ = ["JobBook"]
