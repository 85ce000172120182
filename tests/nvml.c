/*
 * nvml.c: a library with NVML's entry points and two GPUs of its own, for tests where there is none
 *
 *     lm-watch --nvml build/tests/nvml.so
 *
 * GPU 0 has all figures, and used 1000 J and 0.5 J more for each time that it was asked; GPU 1 supports none but its UUID.
 *
 * FAKE_NVML=lost    GPU 1 cannot be reached
 * FAKE_NVML=driver  there is no driver
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };

struct gpu {
    int number;
    unsigned long long asked;
};
static struct gpu gpus[2] = {{0, 0}, {1, 0}};

static int is_told(const char *what)
{
    const char *told = getenv("FAKE_NVML");
    return told && strcmp(told, what) == 0;
}

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int code);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **gpu);
int nvmlDeviceGetUUID(struct gpu *gpu, char *uuid, unsigned size);
int nvmlDeviceGetName(struct gpu *gpu, char *name, unsigned size);
int nvmlDeviceGetUtilizationRates(struct gpu *gpu, unsigned rates[2]);
int nvmlDeviceGetMemoryInfo(struct gpu *gpu, unsigned long long memory[3]);
int nvmlDeviceGetPowerUsage(struct gpu *gpu, unsigned *milliwatts);
int nvmlDeviceGetTotalEnergyConsumption(struct gpu *gpu, unsigned long long *millijoules);
int nvmlDeviceGetClockInfo(struct gpu *gpu, int which, unsigned *mhz);
int nvmlDeviceGetTemperature(struct gpu *gpu, int sensor, unsigned *celsius);

int nvmlInit_v2(void)
{
    return is_told("driver") ? DRIVER_NOT_LOADED : SUCCESS;
}

int nvmlShutdown(void)
{
    return SUCCESS;
}

const char *nvmlErrorString(int code)
{
    return code == DRIVER_NOT_LOADED ? "Driver Not Loaded" : "GPU is lost";
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = 2;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **gpu)
{
    *gpu = &gpus[index];
    return index == 1 && is_told("lost") ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetUUID(struct gpu *gpu, char *uuid, unsigned size)
{
    snprintf(uuid, size, "GPU-%daaa", gpu->number);
    return SUCCESS;
}

int nvmlDeviceGetName(struct gpu *gpu, char *name, unsigned size)
{
    snprintf(name, size, "Fake %d", gpu->number);
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetUtilizationRates(struct gpu *gpu, unsigned rates[2])
{
    rates[0] = 57, rates[1] = 31;
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(struct gpu *gpu, unsigned long long memory[3])
{
    memory[0] = 80ull << 30, memory[1] = 50ull << 30, memory[2] = 30ull << 30;
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetPowerUsage(struct gpu *gpu, unsigned *milliwatts)
{
    *milliwatts = 312500;
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetTotalEnergyConsumption(struct gpu *gpu, unsigned long long *millijoules)
{
    *millijoules = 1000000 + 500 * gpu->asked++;
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetClockInfo(struct gpu *gpu, int which, unsigned *mhz)
{
    *mhz = which == 1 ? 1980 : 9; // 1: SM
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(struct gpu *gpu, int sensor, unsigned *celsius)
{
    *celsius = sensor == 0 ? 61 : 9;
    return gpu->number == 0 ? SUCCESS : NOT_SUPPORTED;
}
