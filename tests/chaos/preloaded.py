"""Everything that the processes of ``dying`` need, imported once before they fork."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

import django

django.setup()

import celery.bin.worker  # noqa: E402
import celery.concurrency.thread  # noqa: E402, F401

import chat.management.commands.keeper  # noqa: E402
import chat.services.jobs.reconcile  # noqa: E402, F401
import chatsite.celery  # noqa: E402, F401
import worker.engine.scripted  # noqa: E402
import worker.tasks  # noqa: E402, F401
