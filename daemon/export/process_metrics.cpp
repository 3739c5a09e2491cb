#include "daemon/export/process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <sstream>

namespace qw::exporting {
namespace {

constexpr MetricFamily kCpu{"process_cpu_seconds_total", MetricType::counter,
                            "User and system CPU time that the daemon has used.", ""};
constexpr MetricFamily kResident{"process_resident_memory_bytes", MetricType::gauge,
                                 "Physical memory that the daemon holds.", ""};
constexpr MetricFamily kVirtual{"process_virtual_memory_bytes", MetricType::gauge,
                                "Address space that the daemon has reserved.", ""};
constexpr MetricFamily kOpenFds{"process_open_fds", MetricType::gauge, "File descriptors that are open.", ""};
constexpr MetricFamily kMaxFds{"process_max_fds", MetricType::gauge, "File descriptors that may be open.",
                               ""};
constexpr MetricFamily kStart{"process_start_time_seconds", MetricType::gauge,
                              "When the daemon was started, in seconds since the Unix epoch.", ""};
constexpr std::array kFamilies{kCpu, kMaxFds, kOpenFds, kResident, kStart, kVirtual};

void add(std::vector<prometheus::MetricFamily>& out, const MetricFamily& family,
         std::optional<double> value) {
  if (!value) return;
  prometheus::MetricFamily one;
  one.name = family.name;
  one.help = family.help;
  one.metric.emplace_back();
  if (family.type == MetricType::counter) {
    one.type = prometheus::MetricType::Counter;
    one.metric.back().counter.value = *value;
  } else {
    one.type = prometheus::MetricType::Gauge;
    one.metric.back().gauge.value = *value;
  }
  out.push_back(std::move(one));
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<double> open_descriptors() {
  // Kernel 6.2 and newer say it without a descriptor of our own, so also when none is left.
  struct stat status{};
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) return static_cast<double>(status.st_size);
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  double entries = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone.
  while (::readdir(directory) != nullptr) ++entries;
  ::closedir(directory);
  constexpr double kDotsAndOwn = 3;
  return entries - kDotsAndOwn;
}

/// proc(5): field 22 of /proc/self/stat, after the command name, which may itself hold blanks and brackets.
std::optional<double> start_ticks() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  std::getline(in, line);
  const auto bracket = line.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(bracket + 1));
  std::string field;
  constexpr int kFieldsBetween = 20;  // from 3 (state) up to 22
  for (int i = 0; i < kFieldsBetween; ++i) fields >> field;
  double ticks = 0;
  std::istringstream number(field);
  return number >> ticks ? std::optional(ticks) : std::nullopt;
}

}  // namespace

std::span<const MetricFamily> process_families() {
  return kFamilies;
}

double process_start_time(const Clock& clock) {
  const auto ticks = start_ticks();
  timespec since_boot{};
  if (!ticks || ::clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) return 0;
  // Not from btime in /proc/stat: a unit with ProcSubset=pid can not see it
  // (facts/reliability-and-security.md 9).
  const double age = static_cast<double>(since_boot.tv_sec) + static_cast<double>(since_boot.tv_nsec) / 1e9 -
                     *ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return seconds(clock.wall()) - age;
}

std::vector<prometheus::MetricFamily> collect_process_metrics(double start_time) {
  std::vector<prometheus::MetricFamily> out;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    add(out, kCpu, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  std::ifstream statm("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  if (statm >> total_pages >> resident_pages) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    add(out, kResident, resident_pages * page);
    add(out, kVirtual, total_pages * page);
  }
  add(out, kOpenFds, open_descriptors());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) add(out, kMaxFds, static_cast<double>(limit.rlim_cur));
  if (start_time > 0) add(out, kStart, start_time);
  return out;
}

}  // namespace qw::exporting
