/* Many threads ask for the state first, all at once, and fork while others do; and register
 * functions, also all at once. For test_threads.py, also under ThreadSanitizer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_detect.h"
#include "cpu_dispatch.h"

enum { THREADS = 16, FUNCTIONS = 64 };

static pthread_barrier_t barrier;
static const struct fs_cpu_state *seen[THREADS];
static char names[FUNCTIONS][8];
static struct fs_cpu_dispatch rows[FUNCTIONS];
static _Atomic int failures;

static void nothing(void)
{
}
static const struct fs_cpu_target targets[] = {{"baseline", "", nothing}};

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        failures++;
    }
}

/* A child that was forked at any moment has a state, too, and does not hang. */
static void fork_one(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        _exit(fs_cpu_has(FS_CPU_SSE2) ? 0 : 3);
    }
    int status = -1;
    check(waitpid(child, &status, 0) == child && status == 0, "the child of a fork");
}

static void *thread(void *argument)
{
    size_t self = (size_t)argument;
    pthread_barrier_wait(&barrier);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const bool forks = false; /* their malloc() may hang then */
#else
    const bool forks = self % 4 == 0;
#endif
    if (forks) {
        fork_one();
    }
    seen[self] = fs_cpu_state();
    check(fs_cpu_has(FS_CPU_SSE2), "SSE2");
    for (size_t i = 0; i < 2 * FUNCTIONS; i++) { /* each its own, and all of them twice */
        if (i % THREADS == self) {
            check(fs_cpu_dispatch_register(&rows[i % FUNCTIONS]) == FS_CPU_OK, "registering");
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < FUNCTIONS; i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        rows[i] = (struct fs_cpu_dispatch){
            .function = names[i], .signature = "dd", .targets = targets, .count = 1};
    }
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, thread, (void *)i) != 0) {
            return 2;
        }
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < THREADS; i++) {
        check(seen[i] == fs_cpu_state(), "two states");
    }
    size_t count = 0;
    for (const struct fs_cpu_dispatch *row = fs_cpu_dispatch_first(); row != NULL;
         row = row->next) {
        count++;
    }
    check(count == FUNCTIONS, "the list");
    printf("%zu functions, %d failures\n", count, failures);
    return failures != 0;
}
