/* Which files does a program open through the C library? Preloaded into a job that asked for it: auditor/submit/tracing.py.
 *
 * Each call goes to the real function first; what worked is noted in $AUDITOR_TRACE_TO, one write a record: operation NUL path NUL.
 * The file is opened and closed for each record: a descriptor kept open could be closed by the program and then be one of its own.
 * Nothing is allocated, errno stays, and a process that strace follows already is left alone.
 * It asks the C library for its oldest symbols only: programs of Conda, Nix or Guix bring a library of their own, and end at once
 * where a symbol's version is too new for it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
#endif

#define SLOTS 16384 /* reads that were noted already; a slot taken by another path costs a second record, nothing else */

static char target[PATH_MAX];
static _Atomic uint64_t seen[SLOTS];

/* system calls of our own go past the C library: they would be noted too */
static long raw_open(const char *path, int flags, int mode) { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); }

static int traced(void) {
    char text[2048];
    long fd = raw_open("/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    ssize_t size = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (size <= 0) return 0;
    text[size] = 0;
    const char *found = strstr(text, "\nTracerPid:\t");
    return found && found[12] != '0';
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("AUDITOR_TRACE_TO");
    char host[256] = "";
    if (!path || path[0] != '/' || traced()) return;
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/') *c = '_';
    if (snprintf(target, sizeof target, "%s%s.preload", path, host) >= (int)sizeof target) target[0] = 0;
}

static uint64_t hash(const char *text) { /* FNV-1a */
    uint64_t value = 14695981039346656037u;
    for (; *text; text++) value = (value ^ (unsigned char)*text) * 1099511628211u;
    return value ? value : 1;
}

/* the absolute path of a name below a folder; 0: it cannot be told */
static size_t absolute(int folder, const char *path, char *out, size_t room) {
    size_t length = 0, more = strlen(path);
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            long size = syscall(SYS_getcwd, out, room);
            if (size <= 0) return 0;
            length = (size_t)size - 1;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t size = readlink(link, out, room - 1);
            if (size <= 0) return 0;
            length = (size_t)size;
        }
        if (length + more + 2 > room) return 0;
        out[length++] = '/';
    } else if (more + 1 > room)
        return 0;
    memmove(out + length, path, more + 1); /* memcpy has a newer version */
    return length + more + 1;
}

static void put(const char *record, size_t size) {
    struct rlimit limit;
    if (syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) || limit.rlim_cur != RLIM_INFINITY) return; /* a write could kill */
    long fd = raw_open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    syscall(SYS_write, fd, record, size);
    syscall(SYS_close, fd);
}

static void note(char operation, int folder, const char *path) {
    char record[PATH_MAX * 2 + 4];
    int before = errno;
    if (!target[0] || !path) return;
    record[0] = operation;
    record[1] = 0;
    size_t size = absolute(folder, path, record + 2, sizeof record - 2);
    if (size) {
        uint64_t key = hash(record + 2);
        _Atomic uint64_t *slot = &seen[key % SLOTS];
        if (operation != 'r' || atomic_load_explicit(slot, memory_order_relaxed) != key) {
            atomic_store_explicit(slot, operation == 'r' ? key : 0, memory_order_relaxed);
            put(record, size + 2);
        }
    }
    errno = before;
}

static void note_move(int old_folder, const char *old, int new_folder, const char *new) {
    char record[PATH_MAX * 4 + 8];
    int before = errno;
    if (!target[0] || !old || !new) return;
    record[0] = 'm';
    record[1] = 0;
    size_t first = absolute(old_folder, old, record + 2, sizeof record / 2 - 4);
    size_t second = first ? absolute(new_folder, new, record + 2 + first, sizeof record / 2 - 4) : 0;
    if (second) {
        atomic_store_explicit(&seen[hash(record + 2) % SLOTS], 0, memory_order_relaxed);
        atomic_store_explicit(&seen[hash(record + 2 + first) % SLOTS], 0, memory_order_relaxed);
        put(record, 2 + first + second);
    }
    errno = before;
}

/* will this open make the file? Asked beforehand, and only where nothing else tells */
static int makes(int folder, const char *path, int flags) {
    if ((flags & (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC)) != (O_RDWR | O_CREAT) || !target[0] || !path) return 0;
    int before = errno;
    int missing = syscall(SYS_faccessat, folder, path, F_OK) != 0;
    errno = before;
    return missing ? O_EXCL : 0;
}

static void note_open(int folder, const char *path, int flags, int fd) {
    struct stat state;
    int before = errno;
    if (fd < 0 || !target[0] || (flags & (O_DIRECTORY | O_PATH))) return;
    if (syscall(SYS_fstat, fd, &state) || !S_ISREG(state.st_mode)) {
        errno = before;
        return;
    }
    int how = flags & O_ACCMODE;
    note(how == O_RDONLY ? 'r' : how == O_WRONLY || flags & (O_TRUNC | O_EXCL) ? 'w' : 'u', folder, path);
}

static void note_stream(const char *path, const char *mode, FILE *file) {
    if (!file || !mode) return;
    int plus = strchr(mode, '+') != NULL;
    int flags = mode[0] == 'r' ? (plus ? O_RDWR : O_RDONLY) : plus ? O_RDWR | (mode[0] == 'w' ? O_TRUNC : 0) : O_WRONLY;
    if (mode[0] == 'a' && plus) {
        struct stat state; /* it may have made it: an empty file was not read */
        if (!syscall(SYS_fstat, fileno(file), &state) && state.st_size == 0) flags |= O_TRUNC;
    }
    note_open(AT_FDCWD, path, flags, fileno(file));
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

#define MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags, flags) \
        REAL(name); \
        int made = makes(AT_FDCWD, path, flags); \
        int fd = real(path, flags, mode); \
        note_open(AT_FDCWD, path, flags | made, fd); \
        return fd; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        MODE(flags, flags) \
        REAL(name); \
        int made = makes(folder, path, flags); \
        int fd = real(folder, path, flags, mode); \
        note_open(folder, path, flags | made, fd); \
        return fd; \
    }
OPENAT(openat)
OPENAT(openat64)

/* what open becomes when a program is compiled with _FORTIFY_SOURCE */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
#define OPEN_2(name) \
    int name(const char *path, int flags) { \
        REAL(name); \
        int fd = real(path, flags); \
        note_open(AT_FDCWD, path, flags, fd); \
        return fd; \
    }
OPEN_2(__open_2)
OPEN_2(__open64_2)
#define OPENAT_2(name) \
    int name(int folder, const char *path, int flags) { \
        REAL(name); \
        int fd = real(folder, path, flags); \
        note_open(folder, path, flags, fd); \
        return fd; \
    }
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

#define CREAT(name) \
    int name(const char *path, mode_t mode) { \
        REAL(name); \
        int fd = real(path, mode); \
        note_open(AT_FDCWD, path, O_WRONLY | O_TRUNC, fd); \
        return fd; \
    }
CREAT(creat)
CREAT(creat64)

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(name); \
        FILE *file = real(path, mode); \
        note_stream(path, mode, file); \
        return file; \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define FREOPEN(name) \
    FILE *name(const char *path, const char *mode, FILE *old) { \
        REAL(name); \
        FILE *file = real(path, mode, old); \
        if (path) note_stream(path, mode, file); \
        return file; \
    }
FREOPEN(freopen)
FREOPEN(freopen64)

#define MKSTEMP(name) \
    int name(char *path) { \
        REAL(name); \
        int fd = real(path); \
        note_open(AT_FDCWD, path, O_RDWR | O_EXCL, fd); \
        return fd; \
    }
MKSTEMP(mkstemp)
MKSTEMP(mkstemp64)

int mkostemp(char *path, int flags) {
    REAL(mkostemp);
    int fd = real(path, flags);
    note_open(AT_FDCWD, path, O_RDWR | O_EXCL, fd);
    return fd;
}

#define REMOVE(name) \
    int name(const char *path) { \
        REAL(name); \
        int failed = real(path); \
        if (!failed) note('d', AT_FDCWD, path); \
        return failed; \
    }
REMOVE(unlink)
REMOVE(remove)

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    int failed = real(folder, path, flags);
    if (!failed && !(flags & AT_REMOVEDIR)) note('d', folder, path);
    return failed;
}

#define LINK(name) \
    int name(const char *old, const char *new) { \
        REAL(name); \
        int failed = real(old, new); \
        if (!failed) note('w', AT_FDCWD, new); \
        return failed; \
    }
LINK(link)
LINK(symlink)

int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags) {
    REAL(linkat);
    int failed = real(old_folder, old, new_folder, new, flags);
    if (!failed) note('w', new_folder, new);
    return failed;
}

int symlinkat(const char *old, int folder, const char *new) {
    REAL(symlinkat);
    int failed = real(old, folder, new);
    if (!failed) note('w', folder, new);
    return failed;
}

#define TRUNCATE(name, type) \
    int name(const char *path, type size) { \
        REAL(name); \
        int failed = real(path, size); \
        if (!failed) note('w', AT_FDCWD, path); \
        return failed; \
    }
TRUNCATE(truncate, off_t)
TRUNCATE(truncate64, off64_t)

int rename(const char *old, const char *new) {
    REAL(rename);
    int failed = real(old, new);
    if (!failed) note_move(AT_FDCWD, old, AT_FDCWD, new);
    return failed;
}

int renameat(int old_folder, const char *old, int new_folder, const char *new) {
    REAL(renameat);
    int failed = real(old_folder, old, new_folder, new);
    if (!failed) note_move(old_folder, old, new_folder, new);
    return failed;
}

int renameat2(int old_folder, const char *old, int new_folder, const char *new, unsigned int flags) {
    REAL(renameat2);
    int failed = real(old_folder, old, new_folder, new, flags);
    if (!failed) note_move(old_folder, old, new_folder, new);
    return failed;
}
