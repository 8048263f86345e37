/* SPDX-License-Identifier: Apache-2.0 */
/*
 * positron_walk N ENERGY: how deep do positrons go into aluminium?
 *
 * N positrons of ENERGY eV hit a flat, half-infinite block of aluminium at a right angle, and each
 * is followed until it has slowed down to a rest energy of 20 eV or has left through the surface.
 * Between two collisions a positron flies straight and loses energy to the electrons all along the
 * way; a collision with an atom only turns it:
 *
 *   1. the way to the next collision is drawn from an exponential distribution, whose mean is the
 *      elastic mean free path of the screened Rutherford cross-section;
 *   2. the energy falls on that way by Bethe's stopping power, as Joy and Luo bent it for low
 *      energies;
 *   3. the angle of the turn is drawn from the same screened cross-section, the azimuth evenly.
 *
 * This is the classic picture of a slow-positron beam. S. Valkealahti and R. M. Nieminen (Applied
 * Physics A 32 (1983) 95 and 35 (1984) 51) drew it with better cross-sections and found a mean
 * depth that grows about as ENERGY^1.6, which these few lines find as well. They let more of them
 * back out than experiments do, because a real positron is also repelled by the nucleus. Formulas:
 * D. C. Joy, Monte Carlo Modeling for Electron Microscopy and Microanalysis (Oxford 1995), ch. 3.
 *
 * The same arguments give the same output to the last digit: the random numbers start from the
 * arguments and from nothing else.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Aluminium. */
static const double atomic_number = 13;
static const double atomic_weight = 26.98; /* g/mol */
static const double density = 2.70;        /* g/cm^3 */

static const double avogadro = 6.02214076e23;
static const double electron_rest_energy = 511; /* keV */
static const double nanometres_in_a_centimetre = 1e7;

/*
 * Below 20 eV a positron no longer loses energy to single electrons as the formula has it, and
 * diffuses; above 50 keV the formulas would need relativity.
 */
static const double rest_energy = 0.020; /* keV */
static const double energy_max = 50;     /* keV */
static const uint64_t particle_count_max = 1000000000;

struct vector {
    double x, y, z;
};

struct positron {
    struct vector place;     /* nm; z is the depth below the surface */
    struct vector direction; /* of length 1 */
    double energy;           /* keV */
};

/* SplitMix64 (Steele, Lea and Flood 2014): small, fast, and good enough for a walk. */
static uint64_t random_state;

static uint64_t random_next(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Evenly from 0 up to, but not including, 1. */
static double random_uniform(void)
{
    return (double)(random_next() >> 11) * 0x1p-53;
}

/* Different arguments must not give shifted copies of one sequence: they are stirred in one by one.
 */
static void random_seed(uint64_t particle_count, double energy)
{
    random_state = particle_count;
    random_state = random_next() ^ (uint64_t)llround(energy * 1e6);
    random_state = random_next();
}

/*
 * How much the electrons around a nucleus soften it: (h / 4 pi p a)^2 for a positron of momentum p
 * and an atom of the Thomas-Fermi radius a (G. Wentzel, Zeitschrift fuer Physik 40 (1927) 590).
 */
static double screening(double energy)
{
    return 4.34e-3 * cbrt(atomic_number * atomic_number) / energy;
}

/* In nm, from the total screened Rutherford cross-section in cm^2. */
static double mean_free_path(double energy)
{
    double alpha = screening(energy);
    double relativity = (energy + electron_rest_energy) / (energy + 2 * electron_rest_energy);
    double cross_section = 5.21e-21 * atomic_number * atomic_number / (energy * energy) * 4 * M_PI /
                           (alpha * (1 + alpha)) * relativity * relativity;

    return atomic_weight / (avogadro * density * cross_section) * nanometres_in_a_centimetre;
}

/*
 * In keV per nm: D. C. Joy and S. Luo, Scanning 11 (1989) 176, with the mean ionisation energy of
 * M. J. Berger and S. M. Seltzer (1964).
 */
static double stopping_power(double energy)
{
    double ionisation = (9.76 * atomic_number + 58.5 * pow(atomic_number, -0.19)) * 1e-3;

    return 78500 * density * atomic_number / (atomic_weight * energy) *
           log(1.166 * (energy + 0.85 * ionisation) / ionisation) / nanometres_in_a_centimetre;
}

/*
 * What is left after `way` nm. The slope is taken half-way (Runge and Kutta's method of second
 * order), because it gets steeper as the positron slows down.
 */
static double energy_after(double energy, double way)
{
    double half_way = energy - stopping_power(energy) * way / 2;

    return half_way < rest_energy ? 0 : energy - stopping_power(half_way) * way;
}

/* Turns a direction by a polar angle, given as its cosine, and an azimuth. */
static struct vector turn(struct vector d, double cosine, double azimuth)
{
    double sine = sqrt(1 - cosine * cosine);
    double across = sine * cos(azimuth), along = sine * sin(azimuth);
    double flat = sqrt(d.x * d.x + d.y * d.y);

    /* Straight up or down: every azimuth is as good as another, and the formula divides by 0. */
    if (flat < 1e-9)
        return (struct vector){across, along, d.z > 0 ? cosine : -cosine};
    return (struct vector){
        d.x * cosine + (d.x * d.z * across - d.y * along) / flat,
        d.y * cosine + (d.y * d.z * across + d.x * along) / flat,
        d.z * cosine - flat * across,
    };
}

static void collide(struct positron *positron)
{
    double alpha = screening(positron->energy);
    double chance = random_uniform();
    double cosine = 1 - 2 * alpha * chance / (1 + alpha - chance);

    positron->direction = turn(positron->direction, cosine, 2 * M_PI * random_uniform());
}

static void fly(struct positron *positron, double way)
{
    positron->place.x += positron->direction.x * way;
    positron->place.y += positron->direction.y * way;
    positron->place.z += positron->direction.z * way;
}

/* Follows one positron to its end; returns whether it stayed in the metal. */
static int walk(struct positron *positron)
{
    for (;;) {
        double way = -mean_free_path(positron->energy) * log(1 - random_uniform());
        double energy = energy_after(positron->energy, way);

        fly(positron, way);
        if (positron->place.z < 0) {
            /* It left somewhere on this way: put it where its line cuts the surface. */
            fly(positron, -positron->place.z / positron->direction.z);
            return 0;
        }
        if (energy <= rest_energy) {
            positron->energy = rest_energy;
            return 1;
        }
        positron->energy = energy;
        collide(positron);
    }
}

static int usage(const char *complaint, const char *text)
{
    fprintf(stderr,
            "positron_walk: %s '%s'\n"
            "usage: positron_walk N ENERGY\n"
            "follows N positrons of ENERGY eV (20 to 50000) into aluminium and prints where each "
            "ends,\n"
            "for example: positron_walk 5000 1500\n",
            complaint, text);
    return 2;
}

static int parse_arguments(char **arguments, uint64_t *ret_count, double *ret_energy)
{
    char *end;

    errno = 0;
    *ret_count = strtoull(arguments[0], &end, 10);
    if (errno || *end || arguments[0][0] < '0' || arguments[0][0] > '9' || *ret_count == 0 ||
        *ret_count > particle_count_max)
        return usage("N must be a whole number from 1 to 1000000000, not", arguments[0]);
    *ret_energy = strtod(arguments[1], &end) / 1000;
    if (end == arguments[1] || *end || !(*ret_energy > rest_energy) || *ret_energy > energy_max)
        return usage("ENERGY must be a number of eV above 20 and up to 50000, not", arguments[1]);
    return 0;
}

int main(int argument_count, char **arguments)
{
    uint64_t particle_count;
    double energy;
    int r;

    if (argument_count != 3)
        return usage(argument_count < 3 ? "an argument is missing after" : "too many arguments for",
                     arguments[argument_count < 3 ? argument_count - 1 : 0]);
    r = parse_arguments(arguments + 1, &particle_count, &energy);
    if (r != 0)
        return r;
    random_seed(particle_count, energy);
    printf("# %llu positrons of %g eV in aluminium\n", (unsigned long long)particle_count,
           energy * 1000);
    printf("# index  energy/eV  x/nm  y/nm  z/nm  fate\n");
    for (uint64_t i = 1; i <= particle_count; i++) {
        struct positron positron = {.direction = {0, 0, 1}, .energy = energy};
        int stayed = walk(&positron);

        printf("%llu %.1f %.3f %.3f %.3f %s\n", (unsigned long long)i, positron.energy * 1000,
               positron.place.x, positron.place.y, positron.place.z,
               stayed ? "implanted" : "backscattered");
    }
    /* A full disk shows itself only here, and half a table must not pass for a whole one. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("positron_walk: cannot write the result");
        return 1;
    }
    return 0;
}
