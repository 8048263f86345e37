/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reproducible pseudo-random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014). For the
 * simulator and for spreading; never for secrets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Uniform in 0..bound-1; bound must not be 0. The bias is below 2^-32 for bounds below 2^32. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)random_next(random) * bound) >> 64);
}

/* Uniform in low..high, both included. */
static inline uint64_t random_between(struct random *random, uint64_t low, uint64_t high)
{
    return low + random_below(random, high - low + 1);
}

/* True with a probability of `parts` in a million. */
static inline bool random_chance(struct random *random, uint32_t parts)
{
    return random_below(random, 1000000) < parts;
}
