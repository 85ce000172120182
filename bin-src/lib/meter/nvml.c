/* meter/nvml.c: see nvml.h */
#include "meter/nvml.h"

#include "base/str.h"

#include <dlfcn.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define LIBRARY "libnvidia-ml.so.1"

/* What we need of NVIDIA's nvml.h, API version 2 (drivers since 2012; the energy counter since 396, of 2018; unchanged in
 * 580). Names that NVML has given a new form keep the old one in its library, so that these stay good. */
enum { NVML_SUCCESS = 0, NVML_CLOCK_SM = 1, NVML_TEMPERATURE_GPU = 0 };
struct nvml_device; // nvmlDevice_t is a pointer to it
struct nvml_utilization {
    unsigned gpu, memory; // percent of the sample period in which a kernel ran, or memory was accessed
};
struct nvml_memory {
    unsigned long long total, free, used; // bytes
};

struct nvml {
    void *library;
    int found; // GPUs
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error_string)(int code);
    int (*count)(unsigned *count);
    int (*by_index)(unsigned index, struct nvml_device **device);
    int (*uuid)(struct nvml_device *device, char *uuid, unsigned size);
    int (*name)(struct nvml_device *device, char *name, unsigned size);
    int (*utilization)(struct nvml_device *device, struct nvml_utilization *rates);
    int (*memory)(struct nvml_device *device, struct nvml_memory *memory);
    int (*power)(struct nvml_device *device, unsigned *milliwatts);
    int (*energy)(struct nvml_device *device, unsigned long long *millijoules);
    int (*clock)(struct nvml_device *device, int which, unsigned *mhz);
    int (*temperature)(struct nvml_device *device, int sensor, unsigned *celsius);
};

static const struct {
    const char *symbol;
    size_t at;
} entries[] = {
    {"nvmlInit_v2", offsetof(struct nvml, init)},
    {"nvmlShutdown", offsetof(struct nvml, shutdown)},
    {"nvmlErrorString", offsetof(struct nvml, error_string)},
    {"nvmlDeviceGetCount_v2", offsetof(struct nvml, count)},
    {"nvmlDeviceGetHandleByIndex_v2", offsetof(struct nvml, by_index)},
    {"nvmlDeviceGetUUID", offsetof(struct nvml, uuid)},
    {"nvmlDeviceGetName", offsetof(struct nvml, name)},
    {"nvmlDeviceGetUtilizationRates", offsetof(struct nvml, utilization)},
    {"nvmlDeviceGetMemoryInfo", offsetof(struct nvml, memory)},
    {"nvmlDeviceGetPowerUsage", offsetof(struct nvml, power)},
    {"nvmlDeviceGetTotalEnergyConsumption", offsetof(struct nvml, energy)},
    {"nvmlDeviceGetClockInfo", offsetof(struct nvml, clock)},
    {"nvmlDeviceGetTemperature", offsetof(struct nvml, temperature)},
};

static int find_entries(struct nvml *nvml, struct err *err)
{
    for (size_t i = 0; i < COUNT(entries); i++) {
        void *entry = dlsym(nvml->library, entries[i].symbol);
        if (!entry)
            return err_set(err, ERR_PARSE, "has no %s: it is no NVML, or older than 2018", entries[i].symbol);
        memcpy((char *)nvml + entries[i].at, &entry, sizeof entry);
    }
    return 0;
}

static int fail(const struct nvml *nvml, int code, const char *what, struct err *err)
{
    const char *why = nvml->error_string(code);
    return err_set(err, ERR_IO, "%s: %s", what, why ? why : "an error that it has no words for");
}

struct nvml *nvml_open(const char *path, struct err *err)
{
    const char *file = path ? path : LIBRARY;
    unsigned count = 0;
    struct nvml *nvml = calloc(1, sizeof *nvml);
    if (!nvml) {
        err_nomem(err);
        return NULL;
    }
    nvml->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    int rc = nvml->library ? find_entries(nvml, err) : err_set(err, ERR_MISSING, "%s", dlerror());
    int code = rc == 0 ? nvml->init() : NVML_SUCCESS;
    if (rc == 0 && code == NVML_SUCCESS && (code = nvml->count(&count)) != NVML_SUCCESS)
        nvml->shutdown();
    if (code != NVML_SUCCESS)
        rc = fail(nvml, code, "cannot be used", err);
    nvml->found = (int)count;
    if (rc == 0)
        return nvml;
    if (nvml->library) {
        err_prefix(err, "%s: ", file);
        dlclose(nvml->library);
    }
    free(nvml);
    return NULL;
}

void nvml_close(struct nvml *nvml)
{
    if (!nvml)
        return;
    nvml->shutdown();
    dlclose(nvml->library);
    free(nvml);
}

int nvml_count(const struct nvml *nvml)
{
    return nvml->found;
}

/* A number that NVML gave with that code, in our unit. */
static double number(int code, double value, double unit)
{
    return code == NVML_SUCCESS ? value / unit : NAN;
}

int nvml_read(const struct nvml *nvml, int index, struct nvml_gpu *gpu, struct err *err)
{
    struct nvml_device *device;
    struct nvml_utilization rates = {0};
    struct nvml_memory memory = {0};
    unsigned milliwatts = 0, mhz = 0, celsius = 0;
    unsigned long long millijoules = 0;
    int code = nvml->by_index((unsigned)index, &device);
    if (code != NVML_SUCCESS)
        return fail(nvml, code, "a GPU", err);
    *gpu = (struct nvml_gpu){0};
    if (nvml->uuid(device, gpu->uuid, sizeof gpu->uuid) != NVML_SUCCESS)
        gpu->uuid[0] = '\0';
    if (nvml->name(device, gpu->name, sizeof gpu->name) != NVML_SUCCESS)
        gpu->name[0] = '\0';
    code = nvml->utilization(device, &rates), gpu->utilization = number(code, rates.gpu, 100);
    code = nvml->memory(device, &memory), gpu->memory_used_bytes = number(code, (double)memory.used, 1);
    code = nvml->power(device, &milliwatts), gpu->power_w = number(code, milliwatts, 1000);
    code = nvml->energy(device, &millijoules), gpu->energy_j = number(code, (double)millijoules, 1000);
    code = nvml->clock(device, NVML_CLOCK_SM, &mhz), gpu->sm_clock_mhz = number(code, mhz, 1);
    code = nvml->temperature(device, NVML_TEMPERATURE_GPU, &celsius), gpu->temperature_c = number(code, celsius, 1);
    return 0;
}
