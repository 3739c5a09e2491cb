#include "daemon/members/file_list.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <system_error>

#include "config/files.hpp"
#include "daemon/base/text.hpp"
#include "daemon/members/sd_file.hpp"

namespace qw::members {
namespace {

/// Some editors take a file away before they put the new one there.
constexpr unsigned kLooksUntilGone = 2;
/// Of one file; a list that is no list of addresses has a problem in each line.
constexpr std::size_t kMaxProblems = 20;

struct Matches {
  std::set<std::string> paths;
  std::string problem;
};

std::string system_text(int error) {
  return std::generic_category().message(error);
}

/// "NAME*.yml": the names of its folder that begin and end so.
Matches expand(const std::string& pattern) {
  Matches out;
  const auto star = pattern.find('*');
  if (star == std::string::npos) {
    struct stat status{};
    if (::stat(pattern.c_str(), &status) == 0 || errno != ENOENT) out.paths.insert(pattern);
    return out;
  }
  const auto slash = pattern.rfind('/', star);
  const std::string folder = slash == std::string::npos ? "" : pattern.substr(0, slash + 1);
  const auto first = pattern.substr(folder.size(), star - folder.size());
  const auto last = pattern.substr(star + 1);
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.empty() ? "." : folder.c_str()),
                                                 ::closedir);
  if (!open) {
    if (errno != ENOENT)
      out.problem = fmt::format("can not list {}: {}", config::quote(folder), system_text(errno));
    return out;
  }
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name.size() < first.size() + last.size() || !name.starts_with(first) || !name.ends_with(last))
      continue;
    out.paths.insert(folder + std::string(name));
    if (out.paths.size() <= kMaxFiles) continue;
    out.problem = fmt::format("{} matches more than {} files", config::quote(pattern), kMaxFiles);
    return out;
  }
  return out;
}

}  // namespace

FileList::FileList(const config::AddressSources& sources) : rule_(sources.rule) {
  for (const auto& file : sources.files) patterns_.push_back({.text = file, .files = {}});
}

Look FileList::look() {
  Look out;
  for (auto& pattern : patterns_) look_at(pattern, out);
  std::ranges::sort(out.addresses);
  const auto again = std::ranges::unique(out.addresses);
  out.addresses.erase(again.begin(), again.end());
  // More than any system takes, so that it keeps what it has; and no more than the loop can handle.
  if (out.addresses.size() > kMaxAddresses) {
    out.addresses.resize(kMaxAddresses);
    out.problems.push_back(fmt::format("the files together have more than {} addresses", kMaxAddresses));
  }
  return out;
}

void FileList::look_at(Pattern& pattern, Look& out) const {
  const auto matches = expand(pattern.text);
  const bool known = std::ranges::any_of(pattern.files, [](const auto& one) { return one.second.was_good; });
  if (!matches.problem.empty()) {
    out.problems.push_back(matches.problem);
  } else if (matches.paths.empty() && known) {
    out.problems.push_back(fmt::format("{}: the file is gone", pattern.text));
  } else if (matches.paths.empty()) {
    auto& list = pattern.text.contains('*') ? out.unmatched : out.absent;
    list.push_back(fmt::format("{}: there is no such file yet", pattern.text));
  } else {
    for (const auto& path : matches.paths) {
      auto& file = pattern.files[path];
      file.missed = 0;
      look_at(path, file);
    }
    for (auto& [path, file] : pattern.files) {
      if (!matches.paths.contains(path)) ++file.missed;
    }
    std::erase_if(pattern.files, [](const auto& one) { return one.second.missed >= kLooksUntilGone; });
  }
  for (const auto& [path, file] : pattern.files) {
    out.addresses.insert(out.addresses.end(), file.addresses.begin(), file.addresses.end());
    if (file.missed == 0) out.problems.insert(out.problems.end(), file.problems.begin(), file.problems.end());
  }
}

void FileList::look_at(const std::string& path, File& file) const {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    file.identity = {};
    file.problems = {fmt::format("{}: {}", path, system_text(errno))};
    return;
  }
  const auto nanoseconds = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  const Identity now{.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = static_cast<std::uint64_t>(status.st_size),
                     .modified = nanoseconds(status.st_mtim),
                     .changed = nanoseconds(status.st_ctim)};
  if (file.identity == now) return;
  // Looked at before it is read: what is written meanwhile shows at the next look.
  const bool readable = read(path, file);
  file.identity = readable ? now : Identity{};
}

bool FileList::read(const std::string& path, File& file) const {
  file.problems.clear();
  const auto text = config::read_text_file(path, kMaxFileBytes);
  if (!text) {
    file.problems.push_back(text.error().message());
    return false;
  }
  auto sd = read_sd_file(*text, path);
  std::vector<std::string> addresses;
  for (const auto& address : sd.addresses) {
    auto good = rule_.canonical ? rule_.canonical(address.text) : Result<std::string>(address.text);
    if (good) {
      addresses.push_back(std::move(*good));
    } else {
      sd.problems.push_back(
          {.file = path,
           .line = address.place.line,
           .column = address.place.column,
           .path = address.path,
           .text = fmt::format("{}: {}", config::quote(address.text), good.error().message())});
    }
  }
  for (const auto& problem : sd.problems) {
    if (file.problems.size() == kMaxProblems) break;
    file.problems.push_back(problem.print());
  }
  if (!sd.problems.empty()) return true;
  file.addresses = std::move(addresses);
  file.was_good = true;
  return true;
}

}  // namespace qw::members
