/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory of a kind: ESP-IDF's esp_heap_caps.h. A host has one kind, so all come from malloc; no board has SPIRAM, and
 * asking for it, or for MALLOC_CAP_INVALID, gives NULL. DMA and CACHE_ALIGNED memory is aligned to 64 bytes. Figures are
 * the believable constants of esp_get_free_heap_size.
 */
#ifndef ESP_HEAP_CAPS_H
#define ESP_HEAP_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MALLOC_CAP_EXEC          (1u << 0)
#define MALLOC_CAP_32BIT         (1u << 1)
#define MALLOC_CAP_8BIT          (1u << 2)
#define MALLOC_CAP_DMA           (1u << 3)
#define MALLOC_CAP_SPIRAM        (1u << 10)
#define MALLOC_CAP_INTERNAL      (1u << 11)
#define MALLOC_CAP_DEFAULT       (1u << 12)
#define MALLOC_CAP_IRAM_8BIT     (1u << 13)
#define MALLOC_CAP_RETENTION     (1u << 14)
#define MALLOC_CAP_RTCRAM        (1u << 15)
#define MALLOC_CAP_TCM           (1u << 16)
#define MALLOC_CAP_CACHE_ALIGNED (1u << 19)
#define MALLOC_CAP_SIMD          (1u << 20)
#define MALLOC_CAP_INVALID       (1u << 31)

typedef struct {
    size_t total_free_bytes;
    size_t total_allocated_bytes;
    size_t largest_free_block;
    size_t minimum_free_bytes;
    size_t allocated_blocks;
    size_t free_blocks;
    size_t total_blocks;
} multi_heap_info_t;

/* NULL for size 0 and where there is no such memory; given back by heap_caps_free or free. */
void *heap_caps_malloc(size_t size, uint32_t caps);
void *heap_caps_calloc(size_t n, size_t size, uint32_t caps);
/** Size 0 frees. */
void *heap_caps_realloc(void *ptr, size_t size, uint32_t caps);
/** `alignment` is a power of two. */
void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps);
/** The first of `num` kinds (uint32_t) that there is. */
void *heap_caps_malloc_prefer(size_t size, size_t num, ...);
void heap_caps_free(void *ptr);

size_t heap_caps_get_free_size(uint32_t caps);
size_t heap_caps_get_total_size(uint32_t caps);
size_t heap_caps_get_minimum_free_size(uint32_t caps);
size_t heap_caps_get_largest_free_block(uint32_t caps);
void heap_caps_get_info(multi_heap_info_t *info, uint32_t caps);
void heap_caps_print_heap_info(uint32_t caps);
/** Always true: sanitizers are the better check. */
bool heap_caps_check_integrity_all(bool print_errors);

#ifdef __cplusplus
}
#endif
#endif /* ESP_HEAP_CAPS_H */
