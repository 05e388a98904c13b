/*
 * LIST(type): a typed growing array in an arena: `LIST(struct row) rows = {0};`
 * LIST_ADD returns a pointer to a new zeroed element, valid until the next LIST_ADD.
 */
#ifndef MILLRACE_CORE_MEM_LIST_H
#define MILLRACE_CORE_MEM_LIST_H

#include "mem/arena.h"

#define LIST(type)               \
        struct {                 \
                type *ptr;       \
                size_t len, cap; \
        }

void *list_grow(struct arena *a, void *ptr, size_t len, size_t *cap, size_t size);

#define LIST_ADD(a, list)                                                                      \
        ((list)->ptr =                                                                         \
                 list_grow((a), (list)->ptr, (list)->len, &(list)->cap, sizeof(*(list)->ptr)), \
         &(list)->ptr[(list)->len++])

#define LIST_PUSH(a, list, value) (*LIST_ADD(a, list) = (value))

#define LIST_EACH(item, list) \
        for (__auto_type item = (list)->ptr; item < (list)->ptr + (list)->len; item++)

#endif
