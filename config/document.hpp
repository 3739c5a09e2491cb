#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"

/// A YAML text as plain values, each with its place. Everything that yaml-cpp would accept in silence or that
/// would make it dangerous (several documents, tags, duplicate keys, alias bombs) is a problem here or
/// visible to the reader.
namespace qw::config {

struct Node;

struct Entry {
  std::string key;
  Place place;  ///< of the key
  const Node* value = nullptr;
};

struct Node {
  enum class Kind : std::uint8_t { nothing, scalar, list, mapping };

  Kind kind = Kind::nothing;
  Place place;
  bool quoted = false;             ///< a scalar in quotes: always text, never a number
  std::string text;                ///< of a scalar
  std::vector<const Node*> items;  ///< of a list
  std::vector<Entry> entries;      ///< of a mapping, in the order of the file, duplicates included
  std::uint64_t size = 1;          ///< nodes in it, aliases expanded
  std::uint64_t height = 1;        ///< levels in it, aliases expanded
};

/// Aliases are pointers to the node they stand for, so the nodes form no tree but never a cycle.
class Document {
 public:
  /// Null when the text says nothing: it is empty, has only comments, or is a mere `~`.
  const Node* root() const { return root_; }

 private:
  friend class DocumentBuilder;
  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

inline constexpr std::size_t kMaxText = 4U << 20U;
inline constexpr std::uint64_t kMaxNodes = 200'000;
inline constexpr std::uint64_t kMaxDepth = 32;

/// Parses one YAML document. Where it can not go on it adds the one problem that stopped it and returns
/// false.
bool parse_document(std::string_view text, Document& document, Problems& problems);

}  // namespace qw::config
