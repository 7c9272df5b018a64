/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a kind out of malloc, and the figures of a chip's heap after start-up. */
#include "esp_heap_caps.h"
#include "esp_system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOTAL   UINT32_C(327680)
#define FREE    UINT32_C(278528)
#define MINIMUM UINT32_C(262144)
#define LARGEST UINT32_C(221184)

#define ALIGNMENT 64u

static bool there_is(uint32_t caps)
{
    return (caps & (MALLOC_CAP_SPIRAM | MALLOC_CAP_INVALID)) == 0;
}

void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps)
{
    if (size == 0 || !there_is(caps) || alignment == 0 || (alignment & (alignment - 1)) || size > SIZE_MAX - alignment)
        return NULL;
    if (alignment < sizeof(void *))
        alignment = sizeof(void *);
    return aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
}

void *heap_caps_malloc(size_t size, uint32_t caps)
{
    if (caps & (MALLOC_CAP_DMA | MALLOC_CAP_CACHE_ALIGNED))
        return heap_caps_aligned_alloc(ALIGNMENT, size, caps);
    return size && there_is(caps) ? malloc(size) : NULL;
}

void *heap_caps_calloc(size_t n, size_t size, uint32_t caps)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    void *p = heap_caps_malloc(n * size, caps);
    if (p)
        memset(p, 0, n * size);
    return p;
}

void *heap_caps_realloc(void *ptr, size_t size, uint32_t caps)
{
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (!there_is(caps))
        return NULL;
    return ptr ? realloc(ptr, size) : heap_caps_malloc(size, caps);
}

void *heap_caps_malloc_prefer(size_t size, size_t num, ...)
{
    void *p = NULL;
    va_list kinds;
    va_start(kinds, num);
    for (size_t i = 0; i < num && !p; i++)
        p = heap_caps_malloc(size, va_arg(kinds, uint32_t));
    va_end(kinds);
    return p;
}

void heap_caps_free(void *ptr)
{
    free(ptr);
}

size_t heap_caps_get_free_size(uint32_t caps)
{
    return there_is(caps) ? FREE : 0;
}

size_t heap_caps_get_total_size(uint32_t caps)
{
    return there_is(caps) ? TOTAL : 0;
}

size_t heap_caps_get_minimum_free_size(uint32_t caps)
{
    return there_is(caps) ? MINIMUM : 0;
}

size_t heap_caps_get_largest_free_block(uint32_t caps)
{
    return there_is(caps) ? LARGEST : 0;
}

void heap_caps_get_info(multi_heap_info_t *info, uint32_t caps)
{
    *info = (multi_heap_info_t){ .total_free_bytes = heap_caps_get_free_size(caps),
                                 .total_allocated_bytes = there_is(caps) ? TOTAL - FREE : 0,
                                 .largest_free_block = heap_caps_get_largest_free_block(caps),
                                 .minimum_free_bytes = heap_caps_get_minimum_free_size(caps) };
}

void heap_caps_print_heap_info(uint32_t caps)
{
    printf("Heap summary for capabilities 0x%08X: free %zu, largest block %zu, minimum free %zu of %zu bytes\n",
           (unsigned)caps, heap_caps_get_free_size(caps), heap_caps_get_largest_free_block(caps),
           heap_caps_get_minimum_free_size(caps), heap_caps_get_total_size(caps));
}

bool heap_caps_check_integrity_all(bool print_errors)
{
    (void)print_errors;
    return true;
}

uint32_t esp_get_free_heap_size(void)
{
    return FREE;
}

uint32_t esp_get_free_internal_heap_size(void)
{
    return FREE;
}

uint32_t esp_get_minimum_free_heap_size(void)
{
    return MINIMUM;
}

void esp_system_abort(const char *details)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", details ? details : "");
    abort();
}
