#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/addresses.hpp"

namespace qw::members {

/// What one look found.
struct Look {
  std::vector<std::string> addresses;  ///< in their canonical form, some perhaps twice
  std::vector<std::string> problems;   ///< of what gave nothing new: its last good list is among `addresses`
  std::vector<std::string> absent;     ///< files that are named, and that nobody has seen yet
  std::vector<std::string> unmatched;  ///< patterns that nothing has matched yet, which is no problem
};

/// The files that some patterns match, from look to look. A value: a worker looks with a copy.
class FileList {
 public:
  explicit FileList(const config::AddressSources& sources);

  /// Blocks for as long as the file system does. A file is read when it is another one or has changed, and
  /// it counts once it was read without a problem.
  Look look();

 private:
  struct Identity {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;  ///< nanoseconds
    bool operator==(const Identity&) const = default;
  };
  struct File {
    Identity identity;
    std::vector<std::string> addresses;  ///< the last good ones
    bool was_good = false;
    std::vector<std::string> problems;  ///< why what is there now is not used
    unsigned missed = 0;                ///< looks in a row that did not find it
  };
  struct Pattern {
    std::string text;
    std::map<std::string, File> files;  ///< by path
  };

  void look_at(Pattern& pattern, Look& out) const;
  void look_at(const std::string& path, File& file) const;
  /// Whether it could be read at all, right or wrong.
  bool read(const std::string& path, File& file) const;

  std::vector<Pattern> patterns_;
  config::AddressRule rule_;
};

inline constexpr std::size_t kMaxFiles = 64;

}  // namespace qw::members
