#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// The daemon's log: one line an event on standard error, logfmt or JSON, never blocking the loop (a full
/// queue drops the oldest line and counts it). Control characters in messages and values are escaped.
namespace qw::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { logfmt, json };

struct Options {
  Level level = Level::info;
  Format format = Format::logfmt;
};

struct Field {
  std::string_view key;
  std::string value;
};

/// Until start() is called nothing is written, so that tests and `once` stay quiet.
void start(const Options& options);
/// Writes what is queued, for at most a second.
void stop();
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
/// Lines lost because the reader of our standard error was too slow.
std::uint64_t dropped();

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace qw::log
