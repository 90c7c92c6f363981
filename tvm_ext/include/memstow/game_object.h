/*!
 * \file memstow/game_object.h
 * \brief Games and states behind tvm_ffi.
 */
#ifndef MEMSTOW_GAME_OBJECT_H_
#define MEMSTOW_GAME_OBJECT_H_

#include <utility>

#include "memstow/game.h"
#include "memstow/problem_object.h"

namespace memstow {

/*! \brief A game that Python and states hold, with the problem that it needs. It never changes. */
class GameObj : public tvm::ffi::Object {
 public:
  GameObj(ProblemRef problem, GameOptions options)
      : problem_(std::move(problem)), game(problem_->problem(), std::move(options)) {}

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.game.Game", GameObj, tvm::ffi::Object);

 private:
  ProblemRef problem_;

 public:
  Game game;
};

/*! \brief Reference to GameObj. */
class GameRef : public tvm::ffi::ObjectRef {
 public:
  GameRef(ProblemRef problem, GameOptions options)
      : ObjectRef(tvm::ffi::make_object<GameObj>(std::move(problem), std::move(options))) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(GameRef, tvm::ffi::ObjectRef, GameObj);
};

/*! \brief A game in play, with the game that it needs. */
class GameStateObj : public tvm::ffi::Object {
 public:
  explicit GameStateObj(GameRef game) : game_(std::move(game)), state(game_->game) {}

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.game.State", GameStateObj, tvm::ffi::Object);

 private:
  GameRef game_;

 public:
  GameState state;
};

/*! \brief Reference to GameStateObj. */
class GameStateRef : public tvm::ffi::ObjectRef {
 public:
  explicit GameStateRef(tvm::ffi::ObjectPtr<GameStateObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(GameStateRef, tvm::ffi::ObjectRef, GameStateObj);
};

}  // namespace memstow
#endif  // MEMSTOW_GAME_OBJECT_H_
