/* Loaded into the server before everything else: counts what the program does to the files of one folder, and
 * makes a chosen call of them fail, or ends the process at it as a kill or a power failure would.
 *
 *   TORTURE_FOLDER  files whose path begins with this are watched
 *   TORTURE_COUNT   a file of 16 bytes: calls so far, and faults so far, as numbers of 64 bits
 *   TORTURE_PLAN    KIND AT TIMES SEED, with blanks between: what happens from the AT-th call on, TIMES times
 *
 * Kinds that end the process: kill-before, kill-after, kill-torn (after a part of the write), power-all
 * (nothing that was not synced is left) and power-some (any part of it is). Kinds that fail: full (ENOSPC),
 * error (EIO), short (a part is written, and told so), sync (a sync fails, EIO). Calls that cannot fail that
 * way are passed by.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum call { WRITE, TRUNCATE, SYNC, OTHER };
enum { FILES = 4096, SECTOR = 512 };

/* What was done to a file since its last sync, the newest first. */
struct change {
    struct change *earlier;
    int descriptor;
    dev_t device;
    ino_t inode;
    off_t offset, size_before, size_after;
    size_t old_count, new_count;
    char *old_bytes, *new_bytes;
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const char *folder;
static char kind[32];
static uint64_t at, times, seed;
static uint64_t none[2], *counts = none;
static char watched[FILES];
static struct change *changes;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    REAL(pwrite64);
    return real(descriptor, bytes, count, offset);
}

static int real_truncate(int descriptor, off_t size) {
    REAL(ftruncate64);
    return real(descriptor, size);
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("TORTURE_FOLDER");
    const char *plan = getenv("TORTURE_PLAN"), *count = getenv("TORTURE_COUNT");
    if (plan) sscanf(plan, "%31s %lu %lu %lu", kind, &at, &times, &seed);
    if (!count) return;
    int descriptor = open(count, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (shared != MAP_FAILED) counts = shared;
    close(descriptor);
}

static int is(const char *name) { return strcmp(kind, name) == 0; }
static int is_watched(int descriptor) { return descriptor >= 0 && descriptor < FILES && watched[descriptor]; }
static int is_inside(const char *path) {
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static uint64_t chance(uint64_t bound) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % bound;
}

/* Brings every file back to its last sync, then lets through what luck lets through. */
static void lose_power(void) {
    struct change *oldest_first = NULL, *next;
    for (struct change *change = changes; change; change = next) {
        next = change->earlier;
        if (change->old_count)
            real_pwrite(change->descriptor, change->old_bytes, change->old_count, change->offset);
        real_truncate(change->descriptor, change->size_before);
        change->earlier = oldest_first;
        oldest_first = change;
    }
    if (is("power-all")) return;
    for (struct change *change = oldest_first; change; change = change->earlier) {
        if (chance(2)) continue;
        if (!change->new_bytes) {
            real_truncate(change->descriptor, change->size_after);
            continue;
        }
        for (size_t place = 0; place < change->new_count; place += SECTOR) {
            size_t left = change->new_count - place;
            if (chance(4))
                real_pwrite(change->descriptor, change->new_bytes + place, left < SECTOR ? left : SECTOR,
                            change->offset + place);
        }
    }
}

static void end(void) {
    counts[1]++;
    if (strncmp(kind, "power", 5) == 0) lose_power();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void keep(int descriptor, off_t offset, const void *bytes, size_t count, off_t size_after) {
    struct stat status;
    if (strncmp(kind, "power", 5) != 0 || fstat(descriptor, &status) != 0) return;
    struct change *change = calloc(1, sizeof *change);
    /* Of its own, as the program may close the file before it was synced. */
    change->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 500);
    change->device = status.st_dev, change->inode = status.st_ino;
    change->offset = offset, change->size_before = status.st_size, change->size_after = size_after;
    size_t cut_off = status.st_size > size_after ? (size_t)(status.st_size - size_after) : 0;
    size_t old_count = bytes ? count : cut_off;
    change->old_bytes = malloc(old_count + 1);
    ssize_t read = pread(descriptor, change->old_bytes, old_count, offset);
    change->old_count = read > 0 ? (size_t)read : 0;
    if (bytes) {
        change->new_count = count;
        change->new_bytes = malloc(count + 1);
        memcpy(change->new_bytes, bytes, count);
    }
    change->earlier = changes;
    changes = change;
}

static void forget(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return;
    for (struct change **place = &changes; *place;) {
        struct change *change = *place;
        if (change->device != status.st_dev || change->inode != status.st_ino) {
            place = &change->earlier;
            continue;
        }
        *place = change->earlier;
        close(change->descriptor);
        free(change->old_bytes), free(change->new_bytes), free(change);
    }
}

/* Counts a call. The error that it ends with, 0 for none, or -1 for a write that is cut short. */
static int before(enum call call) {
    counts[0]++;
    if (!at || counts[0] < at || !times) return 0;
    if (is("kill-before")) end();
    int error = 0;
    if (is("sync") && call == SYNC) error = EIO;
    if (is("error") && call != OTHER) error = EIO;
    if (is("full") && (call == WRITE || call == TRUNCATE)) error = ENOSPC;
    if (is("short") && call == WRITE) error = -1;
    if (!error) return 0;
    times--;
    counts[1]++;
    return error;
}

static void after(void) {
    if (at && counts[0] >= at && (is("kill-after") || strncmp(kind, "power", 5) == 0)) end();
}

static int opened(int descriptor, const char *path) {
    if (descriptor >= 0 && descriptor < FILES) watched[descriptor] = is_inside(path);
    return descriptor;
}

#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list list; \
            va_start(list, flags); \
            mode = va_arg(list, mode_t); \
            va_end(list); \
        } \
        if (!(flags & O_CREAT) || !is_inside(path)) return opened(real(path, flags, mode), path); \
        pthread_mutex_lock(&lock); \
        before(OTHER); \
        int descriptor = opened(real(path, flags, mode), path); \
        after(); \
        pthread_mutex_unlock(&lock); \
        return descriptor; \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int close(int descriptor) {
    REAL(close);
    if (descriptor >= 0 && descriptor < FILES) watched[descriptor] = 0;
    return real(descriptor);
}

static ssize_t put(int descriptor, const void *bytes, size_t count, off_t offset) {
    pthread_mutex_lock(&lock);
    int error = before(WRITE);
    ssize_t written = -1;
    if (error > 0) {
        errno = error;
    } else {
        int isTorn = is("kill-torn") && at && counts[0] >= at;
        if ((error < 0 || isTorn) && count > 1) count = 1 + chance(count - 1);
        keep(descriptor, offset, bytes, count, 0);
        written = real_pwrite(descriptor, bytes, count, offset);
        if (isTorn) end();
        after();
    }
    pthread_mutex_unlock(&lock);
    return written;
}

#define DEFINE_PWRITE(name) \
    ssize_t name(int descriptor, const void *bytes, size_t count, off_t offset) { \
        REAL(name); \
        if (is_watched(descriptor)) return put(descriptor, bytes, count, offset); \
        return real(descriptor, bytes, count, offset); \
    }
DEFINE_PWRITE(pwrite)
DEFINE_PWRITE(pwrite64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(write);
    if (!is_watched(descriptor)) return real(descriptor, bytes, count);
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t written = put(descriptor, bytes, count, offset);
    if (written > 0) lseek(descriptor, offset + written, SEEK_SET);
    return written;
}

#define DEFINE_TRUNCATE(name) \
    int name(int descriptor, off_t size) { \
        if (!is_watched(descriptor)) return real_truncate(descriptor, size); \
        pthread_mutex_lock(&lock); \
        int error = before(TRUNCATE), result = -1; \
        if (error > 0) { \
            errno = error; \
        } else { \
            keep(descriptor, size, NULL, 0, size); \
            result = real_truncate(descriptor, size); \
            after(); \
        } \
        pthread_mutex_unlock(&lock); \
        return result; \
    }
DEFINE_TRUNCATE(ftruncate)
DEFINE_TRUNCATE(ftruncate64)

#define DEFINE_SYNC(name) \
    int name(int descriptor) { \
        REAL(name); \
        if (!is_watched(descriptor)) return real(descriptor); \
        pthread_mutex_lock(&lock); \
        int error = before(SYNC), result = -1; \
        if (error > 0) { \
            errno = error; \
        } else { \
            result = real(descriptor); \
            forget(descriptor); \
            after(); \
        } \
        pthread_mutex_unlock(&lock); \
        return result; \
    }
DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)

int unlink(const char *path) {
    REAL(unlink);
    if (!is_inside(path)) return real(path);
    pthread_mutex_lock(&lock);
    before(OTHER);
    int result = real(path);
    after();
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (!is_inside(to)) return real(from, to);
    pthread_mutex_lock(&lock);
    before(OTHER);
    int result = real(from, to);
    after();
    pthread_mutex_unlock(&lock);
    return result;
}
