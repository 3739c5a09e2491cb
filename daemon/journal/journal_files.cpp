#include "daemon/journal/journal_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"

namespace qw::journal {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 8;
/// A file is a sixteenth of all, so that deleting the oldest one loses little.
constexpr std::size_t kFiles = 16;
constexpr std::size_t kLeastFile = 64U << 10U;
/// Files that are too old go one at a time and not more often: a clock that is wrong for a while must not
/// empty the journal.
constexpr Nanoseconds kDropEvery = std::chrono::hours(1);

std::string file_name(std::uint64_t number) {
  return fmt::format("{:08}{}", number, kSuffix);
}

std::unexpected<Error> failed(std::string_view what, const std::string& path, int error) {
  return fail(ErrorKind::internal, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

WallTime time_of(const timespec& time) {
  return WallTime(std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec));
}

/// Lines of a file, of any length; a line that is too long is passed on cut, so that it is skipped like any
/// other that is no event.
class LineReader {
 public:
  explicit LineReader(const std::function<void(std::string_view)>& take) : take_(take) {}
  ~LineReader() {
    if (!line_.empty()) take_(line_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  void add(std::string_view block) {
    while (!block.empty()) {
      const auto end = block.find('\n');
      const auto part = block.substr(0, end);
      line_.append(part.substr(0, kMaxLine + 1 - std::min(line_.size(), kMaxLine + 1)));
      if (end == std::string_view::npos) return;
      if (!line_.empty()) take_(line_);
      line_.clear();
      block.remove_prefix(end + 1);
    }
  }

 private:
  const std::function<void(std::string_view)>& take_;
  std::string line_;
};

Result<void> read_file(const std::string& path, const std::function<void(std::string_view)>& take) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  // The daemon may have deleted it since the folder was read.
  if (file < 0 && errno == ENOENT) return {};
  if (file < 0) return failed("open", path, errno);
  std::vector<char> block(64U << 10U);
  LineReader lines(take);
  for (;;) {
    const auto size = ::read(file, block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      const int error = errno;
      ::close(file);
      if (size < 0) return failed("read", path, error);
      return {};
    }
    lines.add({block.data(), static_cast<std::size_t>(size)});
  }
}

/// How many bytes it wrote, and why not all.
std::pair<std::size_t, int> write_all(int file, std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {done, errno};
    done += static_cast<std::size_t>(written);
  }
  return {done, 0};
}

}  // namespace

Result<std::vector<JournalFile>> list_journal(const std::string& folder) {
  std::vector<JournalFile> out;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory) return out;
  if (error) return failed("read", folder, error.value());
  for (const auto end = std::filesystem::directory_iterator(); at != end; at.increment(error)) {
    if (error) return failed("read", folder, error.value());
    const auto name = at->path().filename().string();
    if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) continue;
    const auto number = parse_uint64(std::string_view(name).substr(0, kDigits));
    struct stat status{};
    if (!number || ::lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    out.push_back({.number = *number,
                   .path = at->path().string(),
                   .size = static_cast<std::size_t>(status.st_size),
                   .changed = time_of(status.st_mtim)});
  }
  std::ranges::sort(out, {}, &JournalFile::number);
  return out;
}

Result<ReadOutcome> read_journal(const std::string& folder, const std::function<void(Event)>& take) {
  const auto found = list_journal(folder);
  if (!found) return std::unexpected(found.error());
  ReadOutcome out;
  if (!found->empty()) out.last_alive = found->back().changed;
  for (const auto& file : *found) {
    const auto read = read_file(file.path, [&](std::string_view line) {
      auto event = decode_event(line);
      if (!event) {
        ++out.skipped;
        return;
      }
      ++out.lines;
      take(std::move(*event));
    });
    if (!read) return std::unexpected(read.error());
  }
  return out;
}

JournalFiles::~JournalFiles() {
  close();
}

void JournalFiles::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

std::string JournalFiles::path_of(std::uint64_t number) const {
  return folder_ + "/" + file_name(number);
}

std::size_t JournalFiles::bytes() const {
  std::size_t sum = 0;
  for (const auto& [number, size] : sizes_) sum += size;
  return sum;
}

/// Somebody has deleted the file that is open: what is written to it is lost.
bool JournalFiles::is_gone() const {
  struct stat status{};
  return ::fstat(descriptor_, &status) != 0 || status.st_nlink == 0;
}

Result<void> JournalFiles::open_newest() {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return failed("mkdir", folder_, errno);
  const auto found = list_journal(folder_);
  if (!found) return std::unexpected(found.error());
  sizes_.clear();
  for (const auto& file : *found) sizes_[file.number] = file.size;
  if (sizes_.empty()) {
    number_ = 0;
    return open_next();
  }
  number_ = sizes_.rbegin()->first;
  const auto path = path_of(number_);
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return failed("open", path, errno);
  descriptor_ = file;
  char last = '\n';
  const auto size = sizes_[number_];
  torn_ = size > 0 && ::pread(file, &last, 1, static_cast<off_t>(size) - 1) == 1 && last != '\n';
  return {};
}

Result<void> JournalFiles::open_next() {
  close();
  ++number_;
  const auto path = path_of(number_);
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failed("open", path, errno);
  descriptor_ = file;
  sizes_[number_] = 0;
  torn_ = false;
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed("open", folder_, errno);
  const int synced = ::fsync(folder);
  const int error = errno;
  ::close(folder);
  if (synced != 0) return failed("fsync", folder_, error);
  return {};
}

void JournalFiles::remove_oldest() {
  const auto oldest = sizes_.begin();
  ::unlink(path_of(oldest->first).c_str());
  sizes_.erase(oldest);
}

void JournalFiles::make_room(std::size_t wanted, const Limits& limits) {
  while (sizes_.size() > 1 && bytes() + wanted > limits.max_bytes) remove_oldest();
}

void JournalFiles::drop_old(const Limits& limits) {
  const SystemClock clock;
  if (dropped_ && clock.steady() - *dropped_ < kDropEvery) return;
  dropped_ = clock.steady();
  if (sizes_.size() < 2) return;
  struct stat status{};
  if (::stat(path_of(sizes_.begin()->first).c_str(), &status) != 0) return;
  if (clock.wall() - time_of(status.st_mtim) > limits.max_age) remove_oldest();
}

Result<void> JournalFiles::append(std::string_view lines, const Limits& limits) {
  if (lines.empty()) return {};
  if (descriptor_ >= 0 && is_gone()) close();
  if (descriptor_ < 0) {
    if (auto opened = open_newest(); !opened) return opened;
  }
  const auto most = std::max(limits.max_bytes / kFiles, kLeastFile);
  if (sizes_[number_] > 0 && sizes_[number_] + lines.size() > most) {
    if (auto opened = open_next(); !opened) {
      // The next call tries again, from what is there.
      close();
      return opened;
    }
  }
  make_room(lines.size() + 1, limits);
  drop_old(limits);
  const auto before = sizes_[number_];
  const std::string whole = (torn_ ? "\n" : "") + std::string(lines);
  const auto [written, error] = write_all(descriptor_, whole);
  if (error != 0) {
    // A part of a line would be one that is lost.
    torn_ = written > 0 && ::ftruncate(descriptor_, static_cast<off_t>(before)) != 0;
    sizes_[number_] = torn_ ? before + written : before;
    return failed("write", path_of(number_), error);
  }
  torn_ = false;
  sizes_[number_] = before + whole.size();
  // What fails here was written all the same: to write it again would be to have it twice.
  ::fdatasync(descriptor_);
  return {};
}

void JournalFiles::touch(const Limits& limits) {
  if (descriptor_ < 0 || is_gone()) return;
  ::futimens(descriptor_, nullptr);
  drop_old(limits);
}

}  // namespace qw::journal
