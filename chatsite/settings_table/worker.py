"""The workers, which run the model."""

from __future__ import annotations

from chatsite.setting_types import Device, Flag, Integer, Number, OneOf

TITLE = "Workers"
INTRODUCTION = "Workers on other machines read these from their own environment."

WORKERS = Integer(
    "WORKERS",
    1,
    minimum=0,
    maximum=64,
    about="Worker processes on this machine, for each model of `CHAT_MODELS`; `0` if "
    "all run on other machines.",
)
WORKER_DEVICE = Device(
    "WORKER_DEVICE",
    "auto",
    about="The device on which the model runs.",
)
WORKER_PRECISION = OneOf(
    "WORKER_PRECISION",
    "auto",
    choices=("auto", "fp32", "fp16", "int8"),
    about="In what the weights are stored on a CPU. Fewer bits write faster. `auto` "
    "takes the fastest that the machine has and that keeps the quality of the model, "
    "which is measured once, and the log says why no faster one was taken; `fp32` is "
    "exact. A worker does not start if the one that is named here cannot be had. Other "
    "devices have one precision of their own, whatever is set here.",
)
WORKER_THREADS = Integer(
    "WORKER_THREADS",
    0,
    minimum=0,
    default_note="cores ÷ workers",
    about="Threads that one worker computes with; `0` is the default.",
)
WORKER_SLOTS = Integer(
    "WORKER_SLOTS",
    8,
    minimum=1,
    maximum=1024,
    about="Replies that one worker writes at once. More of them give more tokens per "
    "second in all, and fewer for each.",
)
REMOTE_ROWS_MAX = Integer(
    "REMOTE_ROWS_MAX",
    256,
    minimum=1,
    maximum=4096,
    about="The most replies that a worker sends at once to a model's server that says "
    "itself how many it writes (llama.cpp). What the catalogue says as `rows` is not "
    "bounded by it.",
)
WORKER_MEMORY_MB = Integer(
    "WORKER_MEMORY_MB",
    0,
    minimum=0,
    default_note="a quarter of the machine's memory, divided by WORKERS",
    about="Memory for the KV cache of replies, and of conversations kept ready for "
    "their next turn; `0` is the default. If it holds fewer than `WORKER_SLOTS` "
    "replies, fewer are written at once; there are at most twice `WORKER_SLOTS` rows.",
)
WORKER_PREFILL_TOKENS = Integer(
    "WORKER_PREFILL_TOKENS",
    0,
    minimum=0,
    default_note="by the measured time of a step",
    about="Prompt tokens that one step reads; `0` is the default. More of them start "
    "replies sooner, and the text of the others becomes less even.",
)
WORKER_STEP_FACTOR = Number(
    "WORKER_STEP_FACTOR",
    1.5,
    minimum=1.05,
    maximum=100,
    about="How many times as long a step may take if it reads prompts beside the "
    "replies being written. A higher factor starts replies sooner, and the text of "
    "the others becomes less even. A step of 0.16 seconds is even enough in any case.",
)
WORKER_PROMPT_LOOKUP = Flag(
    "WORKER_PROMPT_LOOKUP",
    True,
    about="Whether a worker that writes one or two replies guesses their next tokens "
    "from what prompt and reply said before, and checks the guesses in the same step. "
    "The text is the same; what quotes or repeats comes faster. It pauses by itself "
    "where it does not pay.",
)
WORKER_FLUSH_SECONDS = Number(
    "WORKER_FLUSH_SECONDS",
    0.1,
    minimum=0.05,
    about="How often a worker sends growing text to the mailbox. The first text goes "
    "at once.",
)
WORKER_STALL_SECONDS = Number(
    "WORKER_STALL_SECONDS",
    120,
    minimum=1,
    about="A worker with replies to write whose model makes no step for so long ends "
    "and is started again.",
)
WORKER_GRACE_SECONDS = Number(
    "WORKER_GRACE_SECONDS",
    25,
    minimum=0,
    default_note="25; with make run 5",
    about="How long a worker that is told to end may finish its replies. The rest is "
    "handed back.",
)
