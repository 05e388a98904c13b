/*
 * Replays a fuzz target's corpus without a fuzzer: every file given, and every file in the folders
 * given, goes through LLVMFuzzerTestOneInput once. So each x_fuzz.c is an ordinary test as well.
 */
#include "core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

static void replay_file(const char *path)
{
        FILE *f = fopen(path, "rb");
        char *data = NULL;
        size_t size = 0, cap = 0;

        if (!f) {
                perror(path);
                exit(1);
        }
        for (;;) {
                if (size == cap) {
                        cap = cap ? cap * 2 : 4096;
                        data = realloc(data, cap);
                        if (!data)
                                abort();
                }
                size_t n = fread(data + size, 1, cap - size, f);

                if (n == 0)
                        break;
                size += n;
        }
        fclose(f);
        /* an exact copy, so that a sanitizer sees reads beyond the end */
        uint8_t *exact = malloc(size ? size : 1);

        if (!exact)
                abort();
        memcpy(exact, data, size);
        free(data);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        replayed++;
}

static void replay(const char *path)
{
        struct stat st;
        struct dirent *entry;
        char inner[4096];

        if (stat(path, &st) != 0) {
                perror(path);
                exit(1);
        }
        if (!S_ISDIR(st.st_mode)) {
                replay_file(path);
                return;
        }
        DIR *dir = opendir(path);

        if (!dir) {
                perror(path);
                exit(1);
        }
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
                replay(inner);
        }
        closedir(dir);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                replay(argv[i]);
        if (!replayed) {
                fprintf(stderr, "usage: %s CORPUS…\n", argv[0]);
                return 1;
        }
        printf("%d inputs replayed\n", replayed);
        return 0;
}
