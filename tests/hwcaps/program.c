/* Says which level it was compiled for, and how it was started, so that starts can be compared:
 * program [exit N | kill N | level | all]. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything that a start hands over, but for what belongs to the process alone. */
static void show_all(int count, char **words, char **environment)
{
    char folder[4096];
    for (int i = 0; i < count; i++) {
        printf("argument %s%c", words[i], 0);
    }
    for (; *environment != NULL; environment++) {
        printf("variable %s%c", *environment, 0);
    }
    for (int file = 0; file < 64; file++) {
        struct stat info;
        if (fstat(file, &info) == 0) {
            printf("file %d: %lu, at %ld%c", file,
                   S_ISFIFO(info.st_mode) ? 0 : (unsigned long)info.st_ino,
                   (long)lseek(file, 0, SEEK_CUR), 0);
        }
    }
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            printf("ignored %d%c", number, 0);
        }
    }
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        if (sigismember(&blocked, number) == 1) {
            printf("blocked %d%c", number, 0);
        }
    }
    mode_t mask = umask(0);
    printf("umask %o%cfolder %s%csession %d group %d nice %d%c", mask, 0, getcwd(folder, 4096), 0,
           getsid(0) == getpid(), getpgrp() == getpid(), nice(0), 0);
}

int main(int count, char **words, char **environment)
{
    const char *what = count > 1 ? words[1] : "level";
    if (strcmp(what, "exit") == 0) {
        return atoi(words[2]);
    }
    if (strcmp(what, "kill") == 0) {
        raise(atoi(words[2]));
    }
    if (strcmp(what, "all") == 0) {
        show_all(count, words, environment);
    } else {
        printf("%s", LEVEL);
    }
    return 0;
}
