/* SPDX-License-Identifier: Apache-2.0 */
/*
 * positron_walk N ENERGY: how deep do positrons go into aluminium?
 *
 * N positrons of ENERGY eV hit a flat, half-infinite block of aluminium at a right angle, and each
 * is followed from collision to collision until it has slowed down to a rest energy of 20 eV or has
 * left through the surface. Between two collisions it flies straight; the way is drawn from an
 * exponential distribution. A collision is one of three, each with its own cross-section:
 *
 *   1. with an atom as a whole, which only turns the positron: phase shifts of the Schroedinger
 *      equation in the atom's screened, repelling field, one partial wave after the other;
 *   2. with the sea of conduction electrons, which takes energy (often a plasmon's 15 eV) and turns
 *      it a little: the dielectric function of Lindhard and Mermin, over energy and momentum;
 *   3. with an electron of an inner shell: the excitation function of Gryzinski.
 *
 * This is how S. Valkealahti and R. M. Nieminen drew the classic picture of a slow-positron beam
 * (Applied Physics A 32 (1983) 95 and 35 (1984) 51): a mean depth that grows about as ENERGY^1.6.
 * The tables of the cross-sections come first, and take the most of the time. Everything inside
 * is in atomic units (lengths of 0.0529 nm, energies of 27.2 eV) except what is read and printed.
 *
 * The same arguments give the same output to the last digit: the random numbers start from the
 * arguments and from nothing else.
 */
#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const double bohr_nm = 0.0529177;
static const double hartree_ev = 27.2114;

/* Aluminium: 3 of its 13 electrons are in the sea; a cube with an edge of 0.405 nm has 4 atoms. */
static const double atomic_number = 13;
static const double conduction_electrons = 3;
static const double lattice_nm = 0.405;

/* How long a plasmon lives: the width of its line. */
static const double damping_ev = 1;

/* Binding energy and number of electrons: K, L1, L2 with L3. */
static const struct {
    double binding_ev, electrons;
} shells[] = {{1559.6, 2}, {117.8, 2}, {72.8, 6}};

enum {
    SHELLS = sizeof(shells) / sizeof(shells[0]),
    ENERGIES = 160, /* in the tables, evenly spaced by their logarithm */
    ANGLES = 1000,
    LOSSES = 1200,
    MOMENTA = 1500,
    SHELL_LOSSES = 200,
    WAVES_MAX = 400
};

/* Below 20 eV the positron diffuses; above 50 keV it would need relativity. */
static const double rest_energy_ev = 20;
static const double energy_max_ev = 50000;
static const uint64_t particle_count_max = 1000000000;

struct vector {
    double x, y, z;
};

struct positron {
    struct vector place;     /* z is the depth below the surface */
    struct vector direction; /* of length 1 */
    double energy;
};

/* ---- chance ---- */

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
static void random_seed(uint64_t particle_count, double energy_ev)
{
    random_state = particle_count;
    random_state = random_next() ^ (uint64_t)llround(energy_ev * 1000);
    random_state = random_next();
}

/* Where `value` falls in a table that grows: the index before it, and the part of the way on. */
static size_t find(const double *table, size_t count, double value, double *ret_part)
{
    size_t low = 0, high = count - 1;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (table[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    *ret_part = table[high] > table[low] ? (value - table[low]) / (table[high] - table[low]) : 0;
    return low;
}

/* Turns densities into their running integral over x, in place; returns the whole. */
static double integrate(const double *x, double *density, size_t count)
{
    double sum = 0, before = density[0];

    density[0] = 0;
    for (size_t i = 1; i < count; i++) {
        double here = density[i];

        sum += (here + before) / 2 * (x[i] - x[i - 1]);
        before = here;
        density[i] = sum;
    }
    return sum;
}

static double draw(const double *x, const double *integral, size_t count)
{
    double part;
    size_t i = find(integral, count, random_uniform() * integral[count - 1], &part);

    return x[i] + part * (x[i + 1] - x[i]);
}

/* ---- the tables ---- */

static struct {
    double energy[ENERGIES];
    /* How many collisions of each kind there are on a way of length 1. */
    double elastic[ENERGIES], conduction[ENERGIES], shell[ENERGIES][SHELLS];
    double angle[ANGLES];
    double angle_integral[ENERGIES][ANGLES];
    double loss[LOSSES], log_momentum[MOMENTA];
    double momentum_integral[LOSSES][MOMENTA]; /* of the loss function, over log q */
    double loss_integral[ENERGIES][LOSSES];
    double shell_loss[ENERGIES][SHELLS][SHELL_LOSSES];
    double shell_integral[ENERGIES][SHELLS][SHELL_LOSSES];
} table;

static double atoms_density(void)
{
    return 4 / pow(lattice_nm / bohr_nm, 3);
}

static void fill_logarithmically(double *values, size_t count, double first, double last)
{
    for (size_t i = 0; i < count; i++)
        values[i] = first * pow(last / first, (double)i / (double)(count - 1));
}

/* ---- 1. collisions with atoms ---- */

/* F. Salvat et al., Physical Review A 36 (1987) 467: the field that Dirac, Hartree, Fock and Slater
 * find, as a sum of two exponentials. */
static double free_atom_potential(double r)
{
    return atomic_number / r * (0.6002 * exp(-5.1405 * r) + 0.3998 * exp(-1.0153 * r));
}

static double touching_radius(void)
{
    return lattice_nm / bohr_nm * M_SQRT1_2 / 2;
}

/* In the metal the neighbours' fields reach in, and half-way to the next atom there is no force. */
static double potential(double r)
{
    double radius = touching_radius();

    if (r >= radius)
        return 0;
    return free_atom_potential(r) + free_atom_potential(2 * radius - r) -
           2 * free_atom_potential(radius);
}

/* Spherical Bessel functions of both kinds for 0..count-1 (Abramowitz and Stegun, 10.1). */
static void bessel(double x, size_t count, double *j, double *n)
{
    double above = 0, here = 1e-250, scale;

    n[0] = -cos(x) / x;
    n[1] = n[0] / x - sin(x) / x;
    for (size_t l = 2; l < count; l++)
        n[l] = (2 * (double)l - 1) / x * n[l - 1] - n[l - 2];
    /* The first kind is stable only downwards, from far above where it is as good as 0. */
    for (size_t l = count + 60 + (size_t)x / 2; l-- > 0;) {
        double below = (2 * (double)l + 3) / x * here - above;

        above = here;
        here = below;
        if (l < count)
            j[l] = here;
        if (fabs(here) > 1e250) {
            for (size_t i = l; i < count; i++)
                j[i] *= 1e-250;
            here *= 1e-250;
            above *= 1e-250;
        }
    }
    scale = fabs(j[0]) > fabs(j[1]) ? sin(x) / x / j[0] : (sin(x) / x - cos(x)) / x / j[1];
    for (size_t l = 0; l < count; l++)
        j[l] *= scale;
}

struct radial_grid {
    double momentum, step;
    size_t inner, outer; /* the steps to both radii at which the free waves are compared */
    double *field;       /* 2 V - k^2 */
};

/* Numerov's method; returns u(outer) / u(inner). */
static double solve_radial(const struct radial_grid *grid, size_t l)
{
    double centrifugal = (double)(l * (l + 1)), step = grid->step, at_inner = 0;
    /* Deep below the barrier the wave is as good as 0: begin where it is about 1e-30. */
    double begin = sqrt(centrifugal) / grid->momentum * pow(10, -30.0 / (double)(l + 1));
    size_t first = (size_t)(begin / step) + 1;
    double twelfth = step * step / 12, before = 1, here, g_before, g_here;

    here = pow((double)(first + 1) / (double)first, (double)(l + 1));
    g_before = grid->field[first] + centrifugal / pow((double)first * step, 2);
    for (size_t i = first + 1;; i++) {
        double r = (double)(i + 1) * step, next, g_next;

        if (i == grid->inner)
            at_inner = here;
        if (i == grid->outer)
            return here / at_inner;
        g_here = grid->field[i] + centrifugal / pow(r - step, 2);
        g_next = grid->field[i + 1] + centrifugal / (r * r);
        next = ((2 + 10 * twelfth * g_here) * here - (1 - twelfth * g_before) * before) /
               (1 - twelfth * g_next);
        before = here;
        here = next;
        g_before = g_here;
        if (fabs(here) > 1e200) {
            before *= 1e-200;
            here *= 1e-200;
            at_inner *= 1e-200;
        }
    }
}

/* Fills in e^(2i delta) - 1 for each wave that feels the atom, and returns how many do. */
static size_t find_waves(double momentum, double complex *waves)
{
    double radius = touching_radius(), reach = momentum * radius;
    size_t count = (size_t)(reach + 3 * cbrt(reach) + 6);
    double j[2][WAVES_MAX], n[2][WAVES_MAX];
    struct radial_grid grid = {.momentum = momentum};

    grid.inner = (size_t)ceil(radius / fmin(0.05 / momentum, 0.003));
    grid.step = radius / (double)grid.inner;
    grid.outer = grid.inner + (size_t)(1 / (momentum * grid.step)) + 1;
    grid.field = calloc(grid.outer + 2, sizeof(*grid.field));
    if (!grid.field)
        abort();
    for (size_t i = 1; i < grid.outer + 2; i++)
        grid.field[i] = 2 * potential((double)i * grid.step) - momentum * momentum;
    bessel(reach, count, j[0], n[0]);
    bessel(momentum * (double)grid.outer * grid.step, count, j[1], n[1]);
    for (size_t l = 0; l < count; l++) {
        double ratio = solve_radial(&grid, l) * (double)grid.inner / (double)grid.outer;
        double shift = atan2(ratio * j[0][l] - j[1][l], ratio * n[0][l] - n[1][l]);

        waves[l] = cexp(2 * I * shift) - 1;
    }
    free(grid.field);
    return count;
}

static void tabulate_elastic(size_t at)
{
    double momentum = sqrt(2 * table.energy[at]);
    double complex waves[WAVES_MAX];
    size_t count = find_waves(momentum, waves);

    for (size_t i = 0; i < ANGLES; i++) {
        double cosine = cos(table.angle[i]), legendre = 1, before = 0;
        double complex amplitude = 0;

        for (size_t l = 0; l < count; l++) {
            double next =
                ((2 * (double)l + 1) * cosine * legendre - (double)l * before) / ((double)l + 1);

            amplitude += (2 * (double)l + 1) * legendre * waves[l];
            before = legendre;
            legendre = next;
        }
        amplitude /= 2 * I * momentum;
        table.angle_integral[at][i] =
            2 * M_PI * sin(table.angle[i]) * creal(amplitude * conj(amplitude));
    }
    table.elastic[at] = atoms_density() * integrate(table.angle, table.angle_integral[at], ANGLES);
}

/* ---- 2. collisions with the conduction electrons ---- */

/* J. Lindhard, Dan. Mat. Fys. Medd. 28 no. 8 (1954): the free electrons' answer, less 1. */
static double complex lindhard(double q, double complex loss, double fermi_momentum)
{
    double z = q / (2 * fermi_momentum);
    double complex u = loss / (q * fermi_momentum);
    double complex less = z - u, more = z + u;
    double complex f = 0.5 + ((1 - less * less) * clog((less + 1) / (less - 1)) +
                              (1 - more * more) * clog((more + 1) / (more - 1))) /
                                 (8 * z);

    return f / (M_PI * fermi_momentum * z * z);
}

/* What takes energy out of a passing charge: Im(-1/dielectric function), where the electrons also
 * hit something now and then (N. D. Mermin, Physical Review B 1 (1970) 2362). */
static double loss_function(double q, double loss, double fermi_momentum)
{
    double damping = damping_ev / hartree_ev;
    double complex moving, still, dielectric;

    if (loss / (q * fermi_momentum) > 50 * (1 + q / (2 * fermi_momentum))) {
        /* Far from every electron's own motion only their number counts, and the formula above
         * would lose all its digits. */
        double density = pow(fermi_momentum, 3) / (3 * M_PI * M_PI);

        return cimag(-1 / (1 - 4 * M_PI * density / (loss * (loss + I * damping))));
    }
    moving = lindhard(q, loss + I * damping, fermi_momentum);
    still = lindhard(q, 1e-9 * I, fermi_momentum);
    dielectric = 1 + (1 + I * damping / loss) * moving / (1 + I * damping / loss * moving / still);
    return cimag(-1 / dielectric);
}

static void tabulate_losses(double energy)
{
    double fermi_momentum = cbrt(3 * M_PI * M_PI * conduction_electrons * atoms_density());
    double loss_min = 0.1 / hartree_ev, momentum = sqrt(2 * energy);
    double q_min = loss_min / momentum / 2, q_max = 2 * momentum;

    fill_logarithmically(table.loss, LOSSES, loss_min, energy);
    for (size_t i = 0; i < MOMENTA; i++)
        table.log_momentum[i] = log(q_min) + log(q_max / q_min) * (double)i / (double)(MOMENTA - 1);
    for (size_t i = 0; i < LOSSES; i++) {
        for (size_t k = 0; k < MOMENTA; k++)
            table.momentum_integral[i][k] =
                loss_function(exp(table.log_momentum[k]), table.loss[i], fermi_momentum);
        integrate(table.log_momentum, table.momentum_integral[i], MOMENTA);
    }
}

static double momentum_integral(size_t loss, double log_q)
{
    double first = table.log_momentum[0], last = table.log_momentum[MOMENTA - 1];
    double place = (log_q - first) / (last - first) * (MOMENTA - 1);
    size_t i = place <= 0 ? 0 : place >= MOMENTA - 2 ? MOMENTA - 2 : (size_t)place;
    const double *row = table.momentum_integral[loss];

    return row[i] + (place - (double)i) * (row[i + 1] - row[i]);
}

/* The momenta that can go with a loss: all that the energy before and after leaves. */
static void momentum_limits(double energy, double loss, double *ret_least, double *ret_most)
{
    double before = sqrt(2 * energy), after = sqrt(2 * fmax(energy - loss, 0));

    *ret_least = loss / (before + after) * 2; /* before - after, without losing digits */
    *ret_most = before + after;
}

static void tabulate_conduction(size_t at)
{
    double energy = table.energy[at];

    for (size_t i = 0; i < LOSSES; i++) {
        double least, most;

        table.loss_integral[at][i] = 0;
        if (table.loss[i] >= energy)
            continue;
        momentum_limits(energy, table.loss[i], &least, &most);
        table.loss_integral[at][i] =
            (momentum_integral(i, log(most)) - momentum_integral(i, log(least))) / (M_PI * energy);
    }
    table.conduction[at] = integrate(table.loss, table.loss_integral[at], LOSSES);
}

/* ---- 3. collisions with inner shells ---- */

/* M. Gryzinski, Physical Review 138 (1965) A336. */
static double excitation(double energy, double loss, double binding)
{
    return M_PI / pow(loss, 3) * (binding / energy) * pow(energy / (energy + binding), 1.5) *
           pow(1 - loss / energy, binding / (binding + loss)) *
           (loss / binding * (1 - binding / energy) +
            4.0 / 3 * log(2.7 + sqrt((energy - loss) / binding)));
}

static void tabulate_shell(size_t at, size_t shell)
{
    double energy = table.energy[at], binding = shells[shell].binding_ev / hartree_ev;
    double *loss = table.shell_loss[at][shell], *integral = table.shell_integral[at][shell];

    if (energy <= binding)
        return;
    fill_logarithmically(loss, SHELL_LOSSES, binding, energy);
    loss[SHELL_LOSSES - 1] = energy;
    for (size_t i = 0; i < SHELL_LOSSES; i++)
        integral[i] = excitation(energy, loss[i], binding);
    table.shell[at][shell] =
        atoms_density() * shells[shell].electrons * integrate(loss, integral, SHELL_LOSSES);
}

static void tabulate(double energy)
{
    fill_logarithmically(table.energy, ENERGIES, rest_energy_ev / hartree_ev, energy);
    for (size_t i = 0; i < ANGLES; i++)
        table.angle[i] = M_PI * (double)i / (ANGLES - 1);
    tabulate_losses(energy);
    for (size_t i = 0; i < ENERGIES; i++) {
        tabulate_elastic(i);
        tabulate_conduction(i);
        for (size_t shell = 0; shell < SHELLS; shell++)
            tabulate_shell(i, shell);
    }
}

/* ---- the walk ---- */

/* Turns a direction by a polar angle, given as its cosine, and an azimuth. */
static struct vector turn(struct vector d, double cosine, double azimuth)
{
    double sine = sqrt(fmax(1 - cosine * cosine, 0));
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

static void fly(struct positron *positron, double way)
{
    positron->place.x += positron->direction.x * way;
    positron->place.y += positron->direction.y * way;
    positron->place.z += positron->direction.z * way;
}

/* Returns the cosine of the turn, and takes the energy. */
static double lose_to_conduction(struct positron *positron, size_t at)
{
    double energy = positron->energy, least, most, low, high, part, q, before, after;
    double loss = fmin(draw(table.loss, table.loss_integral[at], LOSSES), energy * (1 - 1e-9));
    size_t row = find(table.loss, LOSSES, loss, &part), i;

    momentum_limits(energy, loss, &least, &most);
    low = momentum_integral(row, log(least));
    high = momentum_integral(row, log(most));
    i = find(table.momentum_integral[row], MOMENTA, low + random_uniform() * (high - low), &part);
    q = exp(table.log_momentum[i] + part * (table.log_momentum[i + 1] - table.log_momentum[i]));
    q = fmin(fmax(q, least), most);
    before = 2 * energy;
    after = 2 * (energy - loss);
    positron->energy = energy - loss;
    return fmin(fmax((before + after - q * q) / (2 * sqrt(before * after)), -1), 1);
}

/* As two balls of the same weight. */
static double lose_to_shell(struct positron *positron, size_t at, size_t shell)
{
    double energy = positron->energy;
    double loss = draw(table.shell_loss[at][shell], table.shell_integral[at][shell], SHELL_LOSSES);

    loss = fmin(loss, energy * (1 - 1e-9));
    positron->energy = energy - loss;
    return sqrt(1 - loss / energy);
}

/* Between two energies of the tables, one is drawn: the nearer, the likelier. */
static size_t choose_energy(double energy)
{
    double part, place = log(energy / table.energy[0]) /
                         log(table.energy[ENERGIES - 1] / table.energy[0]) * (ENERGIES - 1);
    size_t i = place <= 0 ? 0 : place >= ENERGIES - 1 ? ENERGIES - 1 : (size_t)place;

    part = place - (double)i;
    return i + 1 < ENERGIES && random_uniform() < part ? i + 1 : i;
}

static void collide(struct positron *positron, size_t at, double chance)
{
    double cosine = 1;
    size_t shell = 0;

    if (chance < table.elastic[at]) {
        cosine = cos(draw(table.angle, table.angle_integral[at], ANGLES));
    } else if (chance < table.elastic[at] + table.conduction[at]) {
        cosine = lose_to_conduction(positron, at);
    } else {
        chance -= table.elastic[at] + table.conduction[at];
        while (shell + 1 < SHELLS && chance >= table.shell[at][shell])
            chance -= table.shell[at][shell++];
        cosine = lose_to_shell(positron, at, shell);
    }
    positron->direction = turn(positron->direction, cosine, 2 * M_PI * random_uniform());
}

/* Follows one positron to its end; returns whether it stayed in the metal. */
static int walk(struct positron *positron)
{
    for (;;) {
        size_t at = choose_energy(positron->energy);
        double chances = table.elastic[at] + table.conduction[at], way;

        for (size_t shell = 0; shell < SHELLS; shell++)
            chances += table.shell[at][shell];
        way = -log(1 - random_uniform()) / chances;
        fly(positron, way);
        if (positron->place.z < 0) {
            /* It left somewhere on this way: put it where its line cuts the surface. */
            fly(positron, -positron->place.z / positron->direction.z);
            return 0;
        }
        collide(positron, at, chances * random_uniform());
        if (positron->energy <= table.energy[0]) {
            positron->energy = table.energy[0];
            return 1;
        }
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

static int parse_arguments(char **arguments, uint64_t *ret_count, double *ret_energy_ev)
{
    char *end;

    errno = 0;
    *ret_count = strtoull(arguments[0], &end, 10);
    if (errno || *end || arguments[0][0] < '0' || arguments[0][0] > '9' || *ret_count == 0 ||
        *ret_count > particle_count_max)
        return usage("N must be a whole number from 1 to 1000000000, not", arguments[0]);
    *ret_energy_ev = strtod(arguments[1], &end);
    if (end == arguments[1] || *end || !(*ret_energy_ev > rest_energy_ev) ||
        *ret_energy_ev > energy_max_ev)
        return usage("ENERGY must be a number of eV above 20 and up to 50000, not", arguments[1]);
    return 0;
}

int main(int argument_count, char **arguments)
{
    uint64_t particle_count;
    double energy_ev;
    int r;

    if (argument_count != 3)
        return usage(argument_count < 3 ? "an argument is missing after" : "too many arguments for",
                     arguments[argument_count < 3 ? argument_count - 1 : 0]);
    r = parse_arguments(arguments + 1, &particle_count, &energy_ev);
    if (r != 0)
        return r;
    random_seed(particle_count, energy_ev);
    tabulate(energy_ev / hartree_ev);
    printf("# %llu positrons of %g eV in aluminium\n", (unsigned long long)particle_count,
           energy_ev);
    printf("# index  energy/eV  x/nm  y/nm  z/nm  fate\n");
    for (uint64_t i = 1; i <= particle_count; i++) {
        struct positron positron = {.direction = {0, 0, 1}, .energy = energy_ev / hartree_ev};
        int stayed = walk(&positron);

        printf("%llu %.1f %.3f %.3f %.3f %s\n", (unsigned long long)i, positron.energy * hartree_ev,
               positron.place.x * bohr_nm, positron.place.y * bohr_nm, positron.place.z * bohr_nm,
               stayed ? "implanted" : "backscattered");
    }
    /* A full disk shows itself only here, and half a table must not pass for a whole one. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("positron_walk: cannot write the result");
        return 1;
    }
    return 0;
}
