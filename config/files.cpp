#include "config/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "config/problems.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

constexpr std::size_t kHashWhole = 1U << 20U;
constexpr std::size_t kLongestPath = 4096;  // PATH_MAX; a path that is cut names no file

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
  return fail(ErrorKind::config, fmt::format("can not read {}: {}", quote(path, kLongestPath), why));
}

std::unexpected<Error> unreadable(const std::string& path, int error) {
  std::string why = std::generic_category().message(error);
  if (!why.empty() && why[0] >= 'A' && why[0] <= 'Z') why[0] = static_cast<char>(why[0] - 'A' + 'a');
  return unreadable(path, why);
}

// Opens without waiting for anybody: O_NONBLOCK matters for what is then refused, a pipe without a writer.
Result<struct stat> look_at(const std::string& path, const Descriptor& file) {
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) return unreadable(path, "not a regular file");
  return status;
}

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

// Up to one byte more than allowed, so that the caller sees that there is more.
Result<std::string> read_up_to(const std::string& path, const Descriptor& file, std::size_t max_bytes) {
  std::string text;
  // Never reallocated: a secret must not stay behind in freed memory.
  text.resize(max_bytes + 1);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > max_bytes) return unreadable(path, fmt::format("larger than {} KiB", max_bytes >> 10U));
  text.resize(size);
  return text;
}

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
}

std::string_view without_last_line_break(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Result<Secret> make_secret(std::string_view text, std::string_view source) {
  if (text.empty()) return fail(ErrorKind::config, fmt::format("{} is empty", quote(source, kLongestPath)));
  if (text.size() > kMaxSecret) {
    return fail(ErrorKind::config,
                fmt::format("{} is larger than {} KiB", quote(source, kLongestPath), kMaxSecret >> 10U));
  }
  return Secret(std::string(text));
}

Result<Secret> read_secret_file(const std::string& path) {
  auto text = read_text_file(path, kMaxSecret);
  if (!text) return std::unexpected(text.error());
  auto secret = make_secret(without_last_line_break(*text), path);
  wipe(*text);
  return secret;
}

Result<Secret> read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr)
    return fail(ErrorKind::config, fmt::format("the environment has no variable {}", quote(name)));
  return make_secret(value, "env:" + name);
}

Result<Secret> read_credential(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.contains('/')) {
    return fail(ErrorKind::config, fmt::format("expected the name of a credential, got {}", quote(name)));
  }
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    return fail(
        ErrorKind::config,
        fmt::format(
            "no credential {}: $CREDENTIALS_DIRECTORY is not set (LoadCredential= in the unit sets it)",
            quote(name)));
  }
  return read_secret_file(std::filesystem::path(directory) / name);
}

}  // namespace

std::string resolve_path(std::string_view path, const std::string& file) {
  // An absolute path replaces the folder, as operator/ does it.
  return (std::filesystem::path(file).parent_path() / std::filesystem::path(path)).string();
}

Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(open_file(path));
  const auto status = look_at(path, file);
  if (!status) return std::unexpected(status.error());
  return read_up_to(path, file, max_bytes);
}

Result<Secret> read_secret(std::string_view source, const std::string& configuration_file) {
  static constexpr std::string_view kEnvironment = "env:";
  static constexpr std::string_view kCredential = "credential:";
  if (source.starts_with(kEnvironment))
    return read_environment(std::string(source.substr(kEnvironment.size())));
  if (source.starts_with(kCredential)) return read_credential(std::string(source.substr(kCredential.size())));
  return read_secret_file(resolve_path(source, configuration_file));
}

Result<std::uint64_t> hash_file(const std::string& path) {
  const Descriptor file(open_file(path));
  const auto status = look_at(path, file);
  if (!status) return std::unexpected(status.error());
  if (status->st_size > static_cast<off_t>(kHashWhole)) {
    return stable_hash(
        fmt::format("{}.{:09} {}", status->st_mtim.tv_sec, status->st_mtim.tv_nsec, status->st_size));
  }
  auto text = read_up_to(path, file, kHashWhole);
  if (!text) return std::unexpected(text.error());
  const auto hash = stable_hash(*text);
  wipe(*text);
  return hash;
}

}  // namespace qw::config
