#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/addresses.hpp"
#include "daemon/base/secret.hpp"
#include "daemon/base/time.hpp"

/// One list of fields per options struct serves to read it, to check it and to print its reference (style.md
/// 5): the member initialisers are the defaults, and nothing else names them.
namespace qw::config {

/// A secret by reference. In the file it is a `..._file` key (relative to the file), or `env:NAME`, or
/// `credential:NAME` for a file in $CREDENTIALS_DIRECTORY; the content is read at load, without its last line
/// break.
struct SecretFile {
  std::string source;  ///< as written; safe to print
  Secret value;
  bool operator==(const SecretFile&) const = default;
};

/// A file path; relative paths are made relative to the configuration file when they are read.
struct Path {
  std::string value;
  bool operator==(const Path&) const = default;
};

/// One of a fixed list of words.
struct Choice {
  std::string* value;
  std::vector<std::string_view> allowed;
};

using FieldRef =
    std::variant<bool*, std::uint64_t*, double*, std::string*, Nanoseconds*, std::vector<std::string>*,
                 std::optional<std::string>*, std::optional<std::uint64_t>*, std::optional<Nanoseconds>*,
                 SecretFile*, Path*, std::vector<Path>*, std::map<std::string, std::string>*, Choice>;

/// A visitor over the fields of one mapping. The reader (reader.cpp) fills them and collects problems; the
/// describer (reference.cpp) prints them with their defaults. After a problem the values are unspecified but
/// usable.
class Fields {
 public:
  virtual ~Fields() = default;

  /// The key must be there. `doc` is a sentence for the reference.
  virtual void required(std::string_view key, FieldRef value, std::string_view doc) = 0;
  virtual void optional(std::string_view key, FieldRef value, std::string_view doc) = 0;
  /// A nested mapping; `fields` is called once with its fields (by the describer too). When the key is absent
  /// `fields` is called with nothing to read, so that defaults hold. Returns whether the key was there.
  virtual bool object(std::string_view key, std::string_view doc,
                      const std::function<void(Fields&)>& fields) = 0;
  /// A list of mappings; `fields` is called once an element (by the describer once).
  virtual void list(std::string_view key, std::string_view doc,
                    const std::function<void(Fields&)>& fields) = 0;
  /// A list of addresses, for which a mapping may stand that says where they are found (addresses.hpp); then
  /// `texts` is what was found so far, of which there may be nothing yet, and true is returned.
  virtual bool addresses(std::string_view key, std::vector<std::string>* texts, const AddressRule& rule,
                         std::string_view doc) {
    rule.required ? required(key, texts, doc) : optional(key, texts, doc);
    return false;
  }
  /// Reports `message` at the key's value when `holds` is false and no problem was found there yet.
  virtual void check(std::string_view key, bool holds, std::string_view message) = 0;
  /// Notes a TCP port at which members of the target are asked, for those who want to know which system a
  /// port belongs to.
  virtual void note_port(std::uint16_t port) { static_cast<void>(port); }
};

}  // namespace qw::config
