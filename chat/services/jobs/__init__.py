"""One reply as a job: published to the mailbox, watched, collected, put right."""
