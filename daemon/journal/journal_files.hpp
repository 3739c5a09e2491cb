#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/journal/event.hpp"

/// The journal on disk: a folder of files 00000001.jsonl and so on, each line an event, the newest file the
/// one that is written to. All calls block: they run on a worker, or in a command.
namespace qw::journal {

struct JournalFile {
  std::uint64_t number = 0;
  std::string path;
  std::size_t size = 0;
  WallTime changed;
};
/// The files of a journal, the oldest first; none where there is no folder. Errors: internal, when it can not
/// be listed.
Result<std::vector<JournalFile>> list_journal(const std::string& folder);

struct ReadOutcome {
  std::uint64_t lines = 0;
  std::uint64_t skipped = 0;  ///< lines that were torn, damaged or of another version
  /// When the newest file was written or touched last: a daemon that ran then lived.
  std::optional<WallTime> last_alive;
};
/// Reads all files, the oldest first, and gives each event on. A folder that is not there is empty. Errors:
/// internal, when the folder can not be listed or a file can not be read.
Result<ReadOutcome> read_journal(const std::string& folder, const std::function<void(Event)>& take);

/// Appends, and keeps all files together within bounds.
class JournalFiles {
 public:
  struct Limits {
    Limits() = default;
    std::size_t max_bytes = 64U << 20U;
    Nanoseconds max_age = std::chrono::days(14);
  };
  explicit JournalFiles(std::string folder) : folder_(std::move(folder)) {}
  ~JournalFiles();
  JournalFiles(const JournalFiles&) = delete;
  JournalFiles& operator=(const JournalFiles&) = delete;

  /// Whole lines, all or none of them; on disk when it returns. The folder is made where it is missing.
  Result<void> append(std::string_view lines, const Limits& limits);
  /// Shows in the file's time that we live, and deletes what is too old.
  void touch(const Limits& limits);
  /// Of all files, after the last append() or touch().
  std::size_t bytes() const;

 private:
  Result<void> open_newest();
  Result<void> open_next();
  void close();
  void make_room(std::size_t wanted, const Limits& limits);
  void drop_old(const Limits& limits);
  void remove_oldest();
  bool is_gone() const;
  std::string path_of(std::uint64_t number) const;

  std::string folder_;
  int descriptor_ = -1;
  std::uint64_t number_ = 0;                    ///< of the file that is open
  std::map<std::uint64_t, std::size_t> sizes_;  ///< of all files, the open one among them
  bool torn_ = false;                           ///< the last line has no end
  std::optional<SteadyTime> dropped_;
};

}  // namespace qw::journal
