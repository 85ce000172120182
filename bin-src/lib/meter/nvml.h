/*
 * meter/nvml.h: what NVIDIA's GPUs of this machine do, by NVML, loaded at run time
 *
 *     struct nvml *nvml = nvml_open(NULL, &err); // NULL with ERR_MISSING: this machine has none
 *     struct nvml_gpu gpu;
 *     for (int i = 0; i < nvml_count(nvml); i++)
 *         if (nvml_read(nvml, i, &gpu, &err) == 0) ... gpu.power_w
 *     nvml_close(nvml);
 *
 * The library comes with the driver, so that nothing of it is needed to build. What a GPU does not support (a MIG
 * instance has no utilization, old ones no energy) is absent: NaN, or "" of a text. One thread at a time.
 */
#ifndef METER_NVML_H
#define METER_NVML_H

#include "base/err.h"

struct nvml_gpu {
    char uuid[96], name[96];
    double utilization;       // 0 to 1: the share of the last second or less in which a kernel ran
    double memory_used_bytes; // the driver's own share included
    double power_w;           // mean of the last second, on most
    double energy_j;          // since the driver was loaded
    double sm_clock_mhz;
    double temperature_c;
};

struct nvml;
/* path: the library; NULL: where the loader finds it. */
struct nvml *nvml_open(const char *path, struct err *err);
void nvml_close(struct nvml *nvml); // NULL is fine
int nvml_count(const struct nvml *nvml);
/* index: 0 to nvml_count - 1, as nvidia-smi counts. Fails where the GPU is lost. */
int nvml_read(const struct nvml *nvml, int index, struct nvml_gpu *gpu, struct err *err);

#endif
