/*!
 * \file memstow/cost_table.h
 * \brief Seconds of every instruction for every placement of the storages that it touches.
 *
 *  An instruction with k <= 8 placeable storages has a dense table of 2^k prices, indexed by the mask of slots in fast
 *  memory. With slots a (bit 0) and b (bit 1) of 4 and 2 bytes, slow memory 1 byte/s, fast memory 4 bytes/s, compute 2
 * s:
 *
 *    mask   fast    elapsed                  idle = elapsed - slow bytes at slow bandwidth
 *    00     -       max(2, 6 + 0)   = 6      0
 *    01     a       max(2, 2 + 1)   = 3      1
 *    10     b       max(2, 4 + 0.5) = 4.5    0.5
 *    11     a b     max(2, 0 + 1.5) = 2      2
 *
 *  With more than 8, the eight with most bytes have the table (the rest being slow there), and the fast bytes of the
 *  rest, one number, come in by the roofline:  elapsed = table[mask] * roofline(mask, rest) / roofline(mask, no rest).
 *  That is exact for the roofline itself, and an estimate for any other model as soon as one of the rest is fast.
 */
#ifndef MEMSTOW_COST_TABLE_H_
#define MEMSTOW_COST_TABLE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "memstow/problem_types.h"

namespace memstow {

/*! \brief Slots with a bit in a mask; those after them count by their bytes. */
constexpr int32_t kDenseSlots = 8;

/*! \brief The touches of one instruction that are in fast memory. */
struct FastSet {
  int64_t rest_bytes = 0;
  uint32_t mask = 0;

  /*! \brief Put a touch of a placeable storage, so far slow, in fast memory. */
  void Insert(const Touch& touch) {
    if (touch.slot < kDenseSlots) {
      mask |= 1U << touch.slot;
    } else {
      rest_bytes += touch.bytes;
    }
  }
  /*! \brief Take a touch out again. */
  void Erase(const Touch& touch) {
    if (touch.slot < kDenseSlots) {
      mask &= ~(1U << touch.slot);
    } else {
      rest_bytes -= touch.bytes;
    }
  }
};

/*! \brief Prices by instruction and fast set. Immutable. */
class CostTable {
 public:
  CostTable() = default;
  /*!
   * \brief Build the table.
   * \param instructions The schedule.
   * \param slot_bytes For each instruction in turn the bytes of its slots.
   * \param hardware Bandwidths and launch overhead.
   * \param seconds The dense tables one after another (masks in ascending order), or nothing for the roofline.
   * \throws ValueError when `seconds` has another length than num_entries() or holds a negative or infinite value.
   */
  CostTable(Span<Instruction> instructions, Span<int64_t> slot_bytes, const Hardware& hardware, Span<double> seconds);

  /*! \brief The price of instruction t with this set in fast memory, everything else in slow memory. */
  Price At(int32_t t, const FastSet& fast) const {
    const Price& price = prices_[static_cast<size_t>(first_[static_cast<size_t>(t)]) + fast.mask];
    return fast.rest_bytes == 0 ? price : WidePrice(t, fast);
  }

  /*! \brief Entries of all dense tables together. */
  size_t num_entries() const { return prices_.size(); }
  /*! \brief Where the dense table of an instruction begins. */
  int64_t first_entry(int32_t t) const { return first_[static_cast<size_t>(t)]; }

 private:
  /*! \brief What pricing the rest of an instruction with many storages takes. */
  struct Wide {
    Instruction instruction;
    std::array<int64_t, kDenseSlots> bytes;
  };

  double Roofline(const Instruction& instruction, int64_t fast_bytes) const;
  double Idle(const Instruction& instruction, int64_t fast_bytes, double elapsed) const;
  Price WidePrice(int32_t t, const FastSet& fast) const;

  Hardware hardware_;
  std::vector<Price> prices_;
  std::vector<int64_t> first_;
  std::vector<int32_t> wide_index_;
  std::vector<Wide> wide_;
};

}  // namespace memstow
#endif  // MEMSTOW_COST_TABLE_H_
