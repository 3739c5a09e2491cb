#include "daemon/discover/host_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace qw::discover {
namespace {

/// A descriptor that is closed.
class Fd {
 public:
  explicit Fd(int value) : value_(value) {}
  ~Fd() {
    if (value_ >= 0) ::close(value_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

std::unexpected<Error> failed(int code) {
  const bool missing = code == ENOENT || code == ENOTDIR;
  return fail(missing ? ErrorKind::unreachable : ErrorKind::rejected,
              missing ? "no such file" : std::generic_category().message(code));
}

/// O_PATH: finds the file and does not open it. Links stay within `root`.
int find(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  return static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

/// Opens for reading what find() found. /proc is ours, wherever the host's is.
int reopen(int found, int flags) {
  return ::open(fmt::format("/proc/self/fd/{}", found).c_str(),
                flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

std::string absolute(const std::string& folder, const std::string& path) {
  if (path.starts_with('/')) return path;
  return path.empty() || folder.empty() ? "" : folder + "/" + path;
}

HostFiles::HostFiles(std::string root) : root_(std::move(root)) {}

Result<int> HostFiles::open_root(const Process& process) const {
  const auto own = fmt::format("{}/proc/{}/root", root_, process.pid);
  int fd = ::open(own.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(errno);
  return fd;
}

Result<std::string> HostFiles::read(const Process& process, const std::string& path) {
  const auto whole = absolute(process.folder, path);
  if (whole.empty()) return fail(ErrorKind::unreachable, "it is not known in which folder that is");
  if (++files_ > kMaxFiles || total_ >= kMaxTotal) return fail(ErrorKind::too_large, "too many files");
  const auto opened = open_root(process);
  if (!opened) return std::unexpected(opened.error());
  const Fd root(*opened);
  const Fd found(find(root.get(), whole));
  if (found.get() < 0) return failed(errno);
  struct stat status{};
  if (::fstat(found.get(), &status) != 0) return failed(errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::rejected, "not a regular file");
  const Fd file(reopen(found.get(), 0));
  if (file.get() < 0) return failed(errno);
  std::string text(kMaxFile + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > kMaxFile) return fail(ErrorKind::too_large, "larger than 1 MiB");
  text.resize(have);
  total_ += have;
  return text;
}

std::vector<std::string> HostFiles::list(const Process& process, const std::string& path) {
  std::vector<std::string> out;
  const auto whole = absolute(process.folder, path);
  const auto opened = open_root(process);
  if (whole.empty() || !opened) return out;
  const Fd root(*opened);
  const Fd found(find(root.get(), whole));
  if (found.get() < 0) return out;
  const int folder = reopen(found.get(), O_DIRECTORY);
  if (folder < 0) return out;
  DIR* entries = ::fdopendir(folder);
  if (!entries) {
    ::close(folder);
    return out;
  }
  while (out.size() < kMaxListed) {
    const dirent* entry = ::readdir(entries);
    if (!entry) break;
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  ::closedir(entries);
  std::ranges::sort(out);
  return out;
}

bool HostFiles::is_same_here(const Process& process, const std::string& path) {
  const auto whole = absolute(process.folder, path);
  const auto opened = open_root(process);
  if (whole.empty() || !opened) return false;
  const Fd theirs(*opened);
  const Fd ours(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (ours.get() < 0) return false;
  const Fd there(find(theirs.get(), whole));
  const Fd here(find(ours.get(), whole));
  struct stat one{};
  struct stat other{};
  if (there.get() < 0 || here.get() < 0 || ::fstat(there.get(), &one) != 0 ||
      ::fstat(here.get(), &other) != 0)
    return false;
  if (one.st_dev != other.st_dev || one.st_ino != other.st_ino || !S_ISREG(one.st_mode)) return false;
  return Fd(reopen(here.get(), 0)).get() >= 0;
}

}  // namespace qw::discover
