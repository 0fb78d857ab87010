"""What people asked for: queued fairly, run, followed, saved, and found again after a restart."""

from studio.jobs.book import JobBook
from studio.jobs.captions import Captions
from studio.jobs.forgetting import Forgetting
from studio.jobs.trainings import Trainings, new_id

__all__ = ["Captions", "Forgetting", "JobBook", "Trainings", "new_id"]
