#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/discover/host_view.hpp"

namespace qw::discover {

/// Reads files of a host, bounded in size and number. A path is what anybody may have written on a command
/// line: nothing but regular files is ever opened (to open a watchdog device starts it), and links of a
/// container lead to files of that container.
class HostFiles {
 public:
  static constexpr std::size_t kMaxFile = 1U << 20U;
  static constexpr std::size_t kMaxTotal = 32U << 20U;
  static constexpr int kMaxFiles = 2000;
  static constexpr std::size_t kMaxListed = 200;

  /// `root`: "/" or where the host's files are mounted.
  explicit HostFiles(std::string root);

  /// The file that this path is for the process, which may live in a container. `path` is absolute, or
  /// relative to the process's working folder. Errors: unreachable (no such file), rejected (no permission,
  /// no regular file), too_large.
  Result<std::string> read(const Process& process, const std::string& path);

  /// The names in a folder, sorted; empty where it can not be read.
  std::vector<std::string> list(const Process& process, const std::string& path);

  /// Whether the path is a file that we may read, and for this host the same one as for the process.
  bool is_same_here(const Process& process, const std::string& path);

 private:
  Result<int> open_root(const Process& process) const;
  std::string root_;
  std::size_t total_ = 0;
  int files_ = 0;
};

/// `path`, or what it means in `folder` where it is relative; empty: nobody knows.
std::string absolute(const std::string& folder, const std::string& path);

}  // namespace qw::discover
