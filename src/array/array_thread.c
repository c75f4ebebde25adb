/* The pool of threads, and how many of them an evaluation may use.
 *
 * How it works: a job is a number of chunks; whoever is free takes the next one from a counter.
 * Helpers sleep until a job is posted, join it under the lock, and leave it under the lock; the
 * caller takes the job away when its chunks are used up and waits for those that have joined, so a
 * helper that wakes up late finds nothing and costs nothing.
 *
 * What must stay true: a job lives on its caller's stack, so nobody touches it after he has left;
 * helpers never see a signal, Python or the GIL; a child of fork() starts with an empty pool,
 * whatever state the parent's was in; a helper that cannot be started is done without.
 */
#define _GNU_SOURCE
#include "array.h"
#include "array/array_thread.h"

#include "base/base_config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    THREAD_LIMIT = 64,        /* of them, unless NUMEXPR_MAX_THREADS says otherwise */
    THREAD_LIMIT_MOST = 4096, /* whatever it says */
    THREAD_STACK = 512 * 1024,
    THREAD_SPINS = 2000,
    THREAD_POLL_MS = 100,
};

struct thread_job {
    fs_array_work *work;
    void *data;
    size_t chunks;
    atomic_size_t next;
};

static struct {
    pthread_mutex_t use;  /* held by the caller whose job it is */
    pthread_mutex_t lock; /* all below */
    pthread_cond_t posted, left;
    struct thread_job *job; /* that helpers may join, or NULL */
    int wanted, joined;     /* helpers of that job */
    atomic_int active;      /* those that have not left it */
    int started;            /* helpers there are */
    unsigned forks;         /* how many forks lie between this process and the first */
} pool = {.use = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .posted = PTHREAD_COND_INITIALIZER,
          .left = PTHREAD_COND_INITIALIZER};

/* ---- helpers ---- */

/* A child of fork() has one thread; what the others held or waited for is gone. */
static void thread_after_fork(void)
{
    pthread_mutex_init(&pool.use, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.posted, NULL);
    pthread_cond_init(&pool.left, NULL);
    pool.job = NULL;
    pool.wanted = pool.joined = pool.started = 0;
    atomic_store(&pool.active, 0);
    pool.forks++;
}

static void thread_chunks(struct thread_job *job, int worker)
{
    for (;;) {
        size_t chunk = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (chunk >= job->chunks) {
            return;
        }
        job->work(job->data, worker, chunk);
    }
}

static void *thread_helper(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.job == NULL || pool.joined >= pool.wanted) {
            pthread_cond_wait(&pool.posted, &pool.lock);
        }
        struct thread_job *job = pool.job;
        int worker = ++pool.joined;
        atomic_fetch_add(&pool.active, 1);
        pthread_mutex_unlock(&pool.lock);
        thread_chunks(job, worker);
        pthread_mutex_lock(&pool.lock);
        if (atomic_fetch_sub(&pool.active, 1) == 1) {
            pthread_cond_signal(&pool.left);
        }
    }
    return NULL;
}

/* Starts helpers until there are `count`, or no more can be had. The lock is held. */
static void thread_start(int count)
{
    static bool registered;
    if (!registered) {
        registered = pthread_atfork(NULL, NULL, thread_after_fork) == 0;
        if (!registered) {
            return; /* a child would wait for helpers that it does not have */
        }
    }
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.started < count) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, thread_helper, NULL) != 0) {
            break;
        }
        pthread_setname_np(thread, "fullspeed-array");
        pool.started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* ---- jobs ---- */

static long thread_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The caller's share; true: poll() wants no more. */
static bool thread_own_share(struct thread_job *job, fs_array_poll *poll)
{
    long polled = thread_now_ms();
    for (;;) {
        size_t chunk = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (chunk >= job->chunks) {
            return false;
        }
        job->work(job->data, 0, chunk);
        if (poll != NULL && thread_now_ms() - polled >= THREAD_POLL_MS) {
            if (!poll(job->data)) {
                atomic_store(&job->next, job->chunks);
                return true;
            }
            polled = thread_now_ms();
        }
    }
}

/* Tells the processor that we spin. */
static void thread_pause(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Waits until nobody is left in the job. */
static void thread_wait(void)
{
    for (int i = 0; i < THREAD_SPINS && atomic_load(&pool.active) != 0; i++) {
        thread_pause();
    }
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.active) != 0) {
        pthread_cond_wait(&pool.left, &pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
}

bool fs_array_parallel(fs_array_work *work, fs_array_poll *poll, void *data, size_t chunks,
                       int threads)
{
    struct thread_job job = {.work = work, .data = data, .chunks = chunks};
    int helpers = (size_t)threads > chunks ? (int)chunks - 1 : threads - 1;
    if (helpers < 1 || pthread_mutex_trylock(&pool.use) != 0) {
        return !thread_own_share(&job, poll);
    }
    unsigned forks = pool.forks;
    pthread_mutex_lock(&pool.lock);
    thread_start(helpers);
    pool.job = &job;
    pool.wanted = helpers;
    pool.joined = 0;
    if (helpers == 1) {
        pthread_cond_signal(&pool.posted);
    } else {
        pthread_cond_broadcast(&pool.posted);
    }
    pthread_mutex_unlock(&pool.lock);

    bool stopped = thread_own_share(&job, poll);
    if (pool.forks != forks) {
        return false; /* poll() forked, and we are the child: what helpers had taken is not done */
    }

    pthread_mutex_lock(&pool.lock);
    pool.job = NULL;
    pthread_mutex_unlock(&pool.lock);
    thread_wait();
    pthread_mutex_unlock(&pool.use);
    return !stopped;
}

/* ---- how many ---- */

static int thread_count; /* what is set; 0: nothing yet */
static int thread_limit; /* the most that can be set; 0: not looked up yet */

/* A whole number in the environment: 0 when the variable is unset or empty, -1 when it is none. */
static int thread_from_environment(enum fs_base_config_id id)
{
    const char *text = getenv(fs_base_configs[id].name);
    if (text == NULL || *text == '\0') {
        return 0;
    }
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    /* OMP_NUM_THREADS may be a list, one number per level of nesting: ours is the first. */
    if (end == text || (*end != '\0' && (*end != ',' || id != FS_CONFIG_OMP_NUM_THREADS)) ||
        number < 1) {
        return -1;
    }
    return errno != 0 || number > THREAD_LIMIT_MOST ? THREAD_LIMIT_MOST : (int)number;
}

int fs_array_processors(void)
{
    cpu_set_t set;
    int affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                               : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return fs_array_processors_below("", affinity);
}

int fs_array_threads_max(void)
{
    if (thread_limit == 0) {
        int limit = thread_from_environment(FS_CONFIG_NUMEXPR_MAX_THREADS);
        thread_limit = limit > 0 ? limit : THREAD_LIMIT;
    }
    return thread_limit;
}

int fs_array_threads_wanted(void)
{
    static const enum fs_base_config_id variables[] = {
        FS_CONFIG_FULLSPEED_NUM_THREADS, FS_CONFIG_NUMEXPR_NUM_THREADS, FS_CONFIG_OMP_NUM_THREADS};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        int number = thread_from_environment(variables[i]);
        if (number > 0) {
            return number;
        }
        if (number < 0) {
            const char *name = fs_base_configs[variables[i]].name;
            PyErr_Format(PyExc_ValueError,
                         "the environment has %s=%.80s, which is not a number of threads: "
                         "set it to a whole number from 1, or unset it",
                         name, getenv(name));
            return -1;
        }
    }
    return fs_array_processors();
}

int fs_array_threads(void)
{
    if (thread_count == 0) {
        int wanted = fs_array_threads_wanted();
        if (wanted < 0) {
            return -1;
        }
        thread_count = wanted < fs_array_threads_max() ? wanted : fs_array_threads_max();
    }
    return thread_count;
}

int fs_array_threads_set(int count)
{
    if (count < 1) {
        PyErr_Format(PyExc_ValueError, "the number of threads must be 1 or more, not %d", count);
        return -1;
    }
    int before = fs_array_threads();
    if (before < 0) {
        PyErr_Clear(); /* what the environment says does not matter any more */
        before = fs_array_processors();
    }
    thread_count = count < fs_array_threads_max() ? count : fs_array_threads_max();
    return before;
}
