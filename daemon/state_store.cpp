#include "daemon/state_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "config/files.hpp"
#include "daemon/base/text.hpp"

namespace qw {
namespace {

/// More than 50,000 alerts with long annotations.
constexpr std::size_t kMaxFile = 256U << 20U;

std::unexpected<Error> failed(std::string_view what, const std::string& path, int error) {
  return fail(ErrorKind::internal, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

/// A descriptor that is closed whatever happens.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<void> write_synced(const std::string& path, std::string_view bytes) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return failed("open", path, errno);
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return failed("fsync", path, errno);
  return {};
}

Result<void> sync_folder(const std::string& path) {
  const File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return failed("open", path, errno);
  if (::fsync(folder.get()) != 0) return failed("fsync", path, errno);
  return {};
}

}  // namespace

const std::string& boot_id() {
  static const std::string kId = [] {
    const File file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 64> text{};
    const auto size = file.get() < 0 ? -1 : ::read(file.get(), text.data(), text.size());
    return size <= 0 ? "" : std::string(trim(std::string_view(text.data(), static_cast<std::size_t>(size))));
  }();
  return kId;
}

rules::Millis boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

Result<void> StateStore::save(const rules::SavedState& state) const {
  const auto temporary = file() + ".tmp";
  const auto written = write_synced(temporary, rules::encode_state(state));
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), file().c_str()) != 0) return failed("rename", temporary, errno);
  return sync_folder(folder_);
}

Result<StateStore::Loaded> StateStore::load() const {
  Loaded out{.state = std::nullopt, .set_aside = ""};
  struct stat status{};
  if (!keeps() || (::stat(file().c_str(), &status) != 0 && errno == ENOENT)) return out;
  const auto bytes = config::read_text_file(file(), kMaxFile);
  if (!bytes) return std::unexpected(bytes.error());
  auto state = rules::decode_state(*bytes);
  if (state) {
    out.state = std::move(*state);
    return out;
  }
  out.set_aside = state.error().message();
  const auto aside = fmt::format("{}.corrupt-{}", file(), std::time(nullptr));
  if (::rename(file().c_str(), aside.c_str()) != 0) return failed("rename", file(), errno);
  return out;
}

}  // namespace qw
