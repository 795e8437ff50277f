/* The threads of one model, which work on one step at a time.
 *
 * A step is a fixed series of phases, and a phase is a number of tasks. Every thread runs
 * the same function, asks next_task() for one task after another, and goes on to the next
 * phase when all tasks of this one are done. Tasks are handed out one by one, so a thread
 * whose core is busy with something else takes fewer; and a phase ends with its last task,
 * not with the arrival of every thread: one that was preempted between two tasks holds up no
 * other, and finds later that the phases went on without it.
 *
 * Where most of the time goes, a task can even be done twice, so that the others finish what
 * a preempted thread has begun. That thread is then late: it reads inputs that have changed,
 * but only in memory of the engine, finds its task claimed, drops what it has, and gets no
 * task of any phase that is over. So it never reads or writes what the caller handed over
 * for a step, not even after the step has returned.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Nanoseconds that a thread looks for the end of a phase before it sleeps, about as long as
 * a task takes. Threads that wait longer leave the core to whatever else runs. */
#define SPIN 30000
/* Nanoseconds until it does what another thread has begun, at least, and how many times as
 * long as its own tasks take. A preempted thread usually waits for milliseconds. */
#ifndef REPEAT_AFTER
#define REPEAT_AFTER 100000
#define REPEAT_AFTER_TASKS 4
#else
#define REPEAT_AFTER_TASKS 0
#endif

typedef struct Team Team;

/* A thread within a step. */
typedef struct {
    Team *team;
    uint64_t phase;
    /* Whether it has a task that it must report as done. Of tasks that can be done twice
     * only the thread that claims one reports it. */
    int has_task;
    /* Which of the threads this is: 0 is the one that calls. */
    int number;
    /* Nanoseconds: when its last task that can be done twice began, and what such tasks
     * take on average. */
    int64_t began, task_time;
} Worker;

typedef void (*Job)(const void *step, Worker *worker);

struct Team {
    /* Phase << TASK_BITS | next task of it. The phases of all steps are counted together. */
    _Alignas(64) _Atomic uint64_t ticket;
    /* Tasks of this phase that are done. */
    _Alignas(64) _Atomic uint32_t done;
    _Atomic uint32_t sleepers;
    pthread_mutex_t lock;
    pthread_cond_t phase_over, step_begun, all_out;
    /* By task, the last phase in which its result was claimed. */
    _Atomic uint64_t *claims;
    int64_t task_time; /* of the caller, from step to step */
    /* All below is read under the lock: how many steps there were, the first phase of the
     * last one, and how many threads besides the caller are within a step. */
    uint64_t steps, first_phase;
    int inside;
    int is_closing;
    Job job;
    size_t step_size;
    void *step;
    int threads, started;
    pthread_t *thread;
};

#define TASK_BITS 20
static inline uint64_t phase_of(uint64_t ticket) { return ticket >> TASK_BITS; }
static inline long task_of(uint64_t ticket) { return ticket & ((1 << TASK_BITS) - 1); }

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Count a task as done; the last one of a phase begins the next phase. */
static void finish_task(Worker *worker, uint32_t count)
{
    Team *team = worker->team;
    worker->has_task = 0;
    if (atomic_fetch_add(&team->done, 1) + 1 < count) return;
    atomic_store(&team->done, 0);
    atomic_store(&team->ticket, (worker->phase + 1) << TASK_BITS);
    if (atomic_load(&team->sleepers)) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->phase_over);
        pthread_mutex_unlock(&team->lock);
    }
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Look for the end of the phase for so long; returns whether it came. */
static int spin(const Worker *worker, int64_t nanoseconds)
{
    for (int64_t end = now() + nanoseconds; now() < end;)
        for (int n = 0; n < 16; n++) {
            if (phase_of(atomic_load(&worker->team->ticket)) != worker->phase) return 1;
            relax();
        }
    return 0;
}

static void wait_for_end_of_phase(Worker *worker)
{
    Team *team = worker->team;
    if (spin(worker, SPIN)) return;
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->sleepers, 1);
    while (phase_of(atomic_load(&team->ticket)) == worker->phase)
        pthread_cond_wait(&team->phase_over, &team->lock);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->lock);
}

/* Return the number of the next task that no thread has begun, or -1. */
static long new_task(Worker *worker, long count)
{
    Team *team = worker->team;
    if (worker->has_task) finish_task(worker, (uint32_t)count);
    uint64_t ticket = atomic_load(&team->ticket);
    while (phase_of(ticket) == worker->phase && task_of(ticket) < count)
        if (atomic_compare_exchange_weak(&team->ticket, &ticket, ticket + 1))
            return task_of(ticket);
    return -1;
}

/* Return the number of the next task of this phase, which has `count`; or -1 when all of
 * them are done, by whichever thread, and the next phase begins. */
static long next_task(Worker *worker, long count)
{
    if (count <= 0) return -1;
    long task = new_task(worker, count);
    if (task >= 0) {
        worker->has_task = 1;
        return task;
    }
    wait_for_end_of_phase(worker);
    worker->phase++;
    return -1;
}

/* A task of this phase that no thread has done yet, or -1. Each thread begins to look
 * elsewhere, so that they do not all take the same one. */
static long undone_task(const Worker *worker, long count)
{
    for (long n = 0; n < count; n++) {
        long task = (n + worker->number) % count;
        if (atomic_load(&worker->team->claims[task]) < worker->phase) return task;
    }
    return -1;
}

/* The same for tasks that can be done twice: while a thread is at one, it writes only
 * where no other reads, and then asks claim(). One that is not done for long is returned
 * again. */
static long next_repeatable_task(Worker *worker, long count)
{
    if (count <= 0) return -1;
    long task = new_task(worker, count);
    if (task < 0) {
        int64_t usual = REPEAT_AFTER_TASKS * worker->task_time;
        if (!spin(worker, usual > REPEAT_AFTER ? usual : REPEAT_AFTER))
            task = undone_task(worker, count);
    }
    if (task >= 0) {
        worker->began = now();
        return task;
    }
    wait_for_end_of_phase(worker);
    worker->phase++;
    return -1;
}

/* Return whether this thread is the first to have done a task that can be done twice, and
 * so the one that makes the result known. */
static int claim(Worker *worker, long task)
{
    /* One during which the thread was preempted counts little. */
    int64_t took = now() - worker->began, most = 2 * worker->task_time + 20000;
    worker->task_time += ((took < most ? took : most) - worker->task_time) / 4;
    _Atomic uint64_t *claimed = &worker->team->claims[task];
    uint64_t phase = atomic_load(claimed);
    if (phase >= worker->phase) return 0;
    worker->has_task = atomic_compare_exchange_strong(claimed, &phase, worker->phase);
    return worker->has_task;
}

typedef struct {
    Team *team;
    int number;
} Start;

static void *serve(void *start)
{
    Worker worker = {.team = ((Start *)start)->team, .number = ((Start *)start)->number};
    free(start);
    Team *team = worker.team;
    void *step = malloc(team->step_size);
    uint64_t seen = 0;
    pthread_mutex_lock(&team->lock);
    while (step) {
        while (seen == team->steps && !team->is_closing)
            pthread_cond_wait(&team->step_begun, &team->lock);
        if (team->is_closing) break;
        seen = team->steps;
        team->inside++;
        worker.phase = team->first_phase;
        /* A copy: a thread that comes late must not see the step change. */
        memcpy(step, team->step, team->step_size);
        pthread_mutex_unlock(&team->lock);
        team->job(step, &worker);
        pthread_mutex_lock(&team->lock);
        if (!--team->inside) pthread_cond_signal(&team->all_out);
    }
    pthread_mutex_unlock(&team->lock);
    free(step);
    return NULL;
}

/* Run one step on all threads, this one among them. */
static void run_together(Team *team, const void *step)
{
    Worker worker = {.team = team, .task_time = team->task_time};
    pthread_mutex_lock(&team->lock);
    worker.phase = team->first_phase = phase_of(atomic_load(&team->ticket));
    memcpy(team->step, step, team->step_size);
    team->steps++;
    pthread_cond_broadcast(&team->step_begun);
    pthread_mutex_unlock(&team->lock);
    team->job(step, &worker);
    team->task_time = worker.task_time;
}

/* Wait for threads that are late in a step that is over. */
static void wait_for_late_threads(Team *team)
{
    pthread_mutex_lock(&team->lock);
    while (team->inside) pthread_cond_wait(&team->all_out, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

static void close_team(Team *team)
{
    pthread_mutex_lock(&team->lock);
    team->is_closing = 1;
    pthread_cond_broadcast(&team->step_begun);
    pthread_mutex_unlock(&team->lock);
    for (int n = 0; n < team->started; n++) pthread_join(team->thread[n], NULL);
    pthread_mutex_destroy(&team->lock);
    pthread_cond_destroy(&team->phase_over);
    pthread_cond_destroy(&team->step_begun);
    pthread_cond_destroy(&team->all_out);
    free(team->claims);
    free(team->thread);
    free(team->step);
}

/* Start all threads but the caller's. Where the system refuses some, the others run the
 * step. `tasks`: the most tasks of a phase that can be done twice. Returns 0, or -1 without
 * memory. */
static int open_team(Team *team, int threads, Job job, size_t step_size, size_t tasks)
{
    *team = (Team){.threads = threads, .job = job, .step_size = step_size};
    /* Phase 0 is the one in which no task was claimed. */
    atomic_store(&team->ticket, 1 << TASK_BITS);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->phase_over, NULL);
    pthread_cond_init(&team->step_begun, NULL);
    pthread_cond_init(&team->all_out, NULL);
    team->claims = calloc(tasks, sizeof *team->claims);
    team->thread = calloc((size_t)threads, sizeof *team->thread);
    team->step = malloc(step_size);
    if (!team->claims || !team->thread || !team->step) return -1;
    for (int n = 1; n < threads; n++) {
        Start *start = malloc(sizeof *start);
        if (!start) return -1;
        *start = (Start){team, n};
        if (pthread_create(&team->thread[team->started], NULL, serve, start)) {
            free(start);
            break;
        }
        team->started++;
    }
    return 0;
}
