#pragma once
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace qw::status {

/// Text of the program itself: only a constant can be one, so nothing that a target said becomes a tag or the
/// name of an attribute.
class Literal {
 public:
  // Implicit, so that a literal can be written where one is wanted.
  consteval Literal(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)
  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

struct Attribute {
  Literal name;
  std::string_view value;  ///< escaped when it is written
};
using Attributes = std::initializer_list<Attribute>;

/// Writes HTML. There is no way to write text that is not escaped, and what is opened is closed.
class Html {
 public:
  /// Texts are cut at this many bytes, with an ellipsis.
  static constexpr std::size_t kMaxText = 400;

  /// An element that ends with the object.
  class Element {
   public:
    Element(Element&& other) noexcept : html_(other.html_), tag_(other.tag_) { other.html_ = nullptr; }
    Element& operator=(Element&&) = delete;
    ~Element();

   private:
    friend class Html;
    Element(Html& html, Literal tag) : html_(&html), tag_(tag) {}
    Html* html_;
    Literal tag_;
  };

  [[nodiscard]] Element in(Literal tag, Attributes attributes = {});
  /// An element that holds this text alone.
  void leaf(Literal tag, Attributes attributes, std::string_view text);
  void leaf(Literal tag, std::string_view text) { leaf(tag, {}, text); }
  /// An element without content and without end: meta, link, br.
  void lone(Literal tag, Attributes attributes = {});
  void text(std::string_view text);
  /// What another one has written.
  void append(const Html& other) { out_ += other.out_; }
  /// "<!DOCTYPE html>".
  void doctype();

  std::size_t size() const { return out_.size(); }
  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void open(Literal tag, Attributes attributes);

  std::string out_;
};

/// `text` as it stands in HTML: escaped, valid UTF-8, without control characters, cut at `max_bytes`.
std::string escaped(std::string_view text, std::size_t max_bytes = Html::kMaxText);

}  // namespace qw::status
