#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/addresses.hpp"
#include "config/document.hpp"
#include "config/fields.hpp"
#include "config/problems.hpp"

namespace qw::config {

/// What the readers of one file share.
struct Reading {
  explicit Reading(std::string name) : file(std::move(name)), problems(file) {}

  std::string file;
  Problems problems;
  /// Of everything outside the file that was read since it was last reset: secrets, certificates. Never to be
  /// printed, as a short secret could be guessed from it.
  std::uint64_t outside = 0;
  std::set<std::uint16_t> ports;        ///< noted since it was last emptied
  std::vector<AddressSources> sources;  ///< of the lists that are found, since it was last emptied
  const Found* found = nullptr;         ///< what was found for them; null: nobody has looked yet
};

/// Mixes one more hash into `hash`; the order matters.
void mix(std::uint64_t& hash, std::uint64_t more);
/// Equal for values that mean the same, whatever their comments and line breaks.
std::uint64_t hash_node(const Node& node);

/// Fields over one YAML mapping, or over nothing: then everything keeps its default.
class Reader final : public Fields {
 public:
  /// `node` is what should be a mapping; a problem is added when it is not.
  Reader(Reading& reading, const Node* node, std::string path);

  void required(std::string_view key, FieldRef value, std::string_view doc) override;
  void optional(std::string_view key, FieldRef value, std::string_view doc) override;
  bool object(std::string_view key, std::string_view doc,
              const std::function<void(Fields&)>& fields) override;
  void list(std::string_view key, std::string_view doc, const std::function<void(Fields&)>& fields) override;
  bool addresses(std::string_view key, std::vector<std::string>* texts, const AddressRule& rule,
                 std::string_view doc) override;
  void check(std::string_view key, bool holds, std::string_view message) override;
  void note_port(std::uint16_t port) override { reading_.ports.insert(port); }

  /// The value of `key` for readers that do more than fields; the key is known from then on. Null: it is not
  /// there.
  const Node* value(std::string_view key);
  bool has(std::string_view key) const { return find(key) != nullptr; }
  void missing(std::string_view key);
  /// Refuses the keys that nobody declared.
  void finish();

  const Node* node() const { return node_; }
  Place place() const { return node_ != nullptr ? node_->place : Place{}; }
  const std::string& path() const { return path_; }

 private:
  const Entry* find(std::string_view key) const;
  bool read(std::string_view key, const FieldRef& value);
  AddressSources read_sources(std::string_view key, const AddressRule& rule);
  void refuse_ambiguities();
  std::string unknown_text(std::string_view key) const;

  Reading& reading_;
  const Node* node_;  // null: nothing to read
  std::string path_;
  std::vector<std::string> declared_;
  std::set<std::string, std::less<>> troubled_;  // keys with a problem: one is enough
};

}  // namespace qw::config
