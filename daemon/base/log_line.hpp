#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "daemon/base/log.hpp"
#include "daemon/base/time.hpp"

namespace qw::log {

/// One line of the log, without its line break: `time=2026-01-02T03:04:05.678Z level=info msg="..."
/// key=value`, or the same as a JSON object. Whatever is in the texts, it stays one line of valid UTF-8; long
/// texts are cut.
std::string make_line(Format format, WallTime at, Level level, std::string_view message,
                      std::initializer_list<Field> fields);

}  // namespace qw::log
