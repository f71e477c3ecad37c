# frozen_string_literal: true

require "io/wait"

# A small fiber scheduler with IO.select, because Ruby contains none.
class Scheduler
  def initialize
    @ready = []
    @readable = {} # IO => fibers
    @deadlines = {}.compare_by_identity # fiber => time
    @wakeup = IO.pipe
    @waiting = 0
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def fiber(&block) = Fiber.new(blocking: false, &block).tap(&:resume)

  def run
    until @ready.empty? && @readable.empty? && @deadlines.empty? && @waiting.zero?
      @ready.shift.resume until @ready.empty?
      left = @deadlines.values.min&.then { |time| [time - now, 0].max }
      break unless left || @waiting.positive? || !@readable.empty?

      ready, = IO.select([@wakeup[0], *@readable.keys], [], [], left)
      ready&.each { |io| io == @wakeup[0] ? io.read_nonblock(64) : resume(io) }
      @deadlines.select { |_, time| time <= now }.each_key { |fiber| fiber.resume if fiber.alive? }
    end
  end
  alias close run

  def resume(io) = @readable.delete(io)&.each { |fiber| fiber.resume(IO::READABLE) }

  def io_wait(io, _events, timeout)
    fiber = Fiber.current
    (@readable[io] ||= []) << fiber
    sleeping(timeout) || false
  ensure
    @readable[io]&.delete(fiber)
    @readable.delete(io) if @readable[io]&.empty?
  end

  def kernel_sleep(duration = nil) = sleeping(duration)

  def block(_blocker, timeout = nil)
    @waiting += 1
    sleeping(timeout)
  ensure
    @waiting -= 1
  end

  def unblock(_blocker, fiber)
    @ready << fiber
    @wakeup[1].write(".")
  end

  private

  def sleeping(timeout)
    @deadlines[Fiber.current] = now + timeout if timeout
    Fiber.yield
  ensure
    @deadlines.delete(Fiber.current)
  end
end
