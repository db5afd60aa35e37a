"""What the shared server does, in Lua: each script is one step to all replicas.

The time is the server's own, so that replicas whose clocks differ count alike. Every key has a time
to live. Numbers go back as whole ones: milliseconds, tenths, thousandths; all in one text, for
redis-py takes 3 µs to read a thing.

The rules are those of `window`, `fairshare` and `budget` of `core.limits`.
"""

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function told(numbers)
  for i, number in ipairs(numbers) do
    numbers[i] = string.format('%.0f', number)
  end
  return table.concat(numbers, ' ')
end
"""

# KEYS: a hash for each rate, then a sorted set for each slot.
# ARGV: how many rates; the ticket; how long it lasts; limit, length, cost of each rate; limit of
# each slot. Back: granted, remaining, wait of each.
ADMIT = (
    _NOW
    + """
local rates, ticket, lasts = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local answer, all, at = {}, true, 4
local function say(granted, remaining, wait)
  all = all and granted
  answer[#answer + 1] = granted and 1 or 0
  answer[#answer + 1] = math.max(0, math.floor(remaining))
  answer[#answer + 1] = math.ceil(wait)
end
for i = 1, rates do
  local limit, length, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local index = math.floor(now / length)
  local passed = now / length - index
  local found = redis.call('HMGET', KEYS[i], 'index', 'current', 'before')
  local last, current, before = tonumber(found[1]), tonumber(found[2]) or 0, tonumber(found[3]) or 0
  if last ~= index then
    before = last == index - 1 and current or 0
    current = 0
    redis.call('HSET', KEYS[i], 'index', index, 'current', current, 'before', before)
    redis.call('PEXPIRE', KEYS[i], 2 * length)
  end
  local counted = current + before * (1 - passed)
  local room = limit - cost
  if counted <= room then
    say(true, room - counted, length * (1 - passed))
  elseif current <= room then
    say(false, 0, math.max(0, 1 - (room - current) / before - passed) * length)
  else
    say(false, 0, (2 - passed - room / current) * length)
  end
end
for i = rates + 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  local own = redis.call('ZSCORE', KEYS[i], ticket) and 1 or 0
  local remaining = tonumber(ARGV[at]) - redis.call('ZCARD', KEYS[i]) - 1 + own
  at = at + 1
  say(remaining >= 0, remaining, 1000)
end
if all then
  for i = 1, rates do
    redis.call('HINCRBY', KEYS[i], 'current', ARGV[3 + 3 * i])
  end
  for i = rates + 1, #KEYS do
    redis.call('ZADD', KEYS[i], now + lasts, ticket)
    if redis.call('PTTL', KEYS[i]) < lasts then
      redis.call('PEXPIRE', KEYS[i], lasts)
    end
  end
end
return told(answer)
"""
)

# KEYS: the calls, a sorted set; how many are whose, a hash.
# ARGV: the person; the ticket; limit; length; greed. Back: granted, free, wait.
CALL = (
    _NOW
    + """
local person, ticket = ARGV[1], ARGV[2]
local limit, length, greed = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for _, call in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - length)) do
  local whose = string.match(call, '^[^:]+')
  if redis.call('HINCRBY', KEYS[2], whose, -1) <= 0 then
    redis.call('HDEL', KEYS[2], whose)
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - length)
local free = limit - redis.call('ZCARD', KEYS[1])
local own = tonumber(redis.call('HGET', KEYS[2], person)) or 0
local granted = own < greed * free
if granted then
  redis.call('ZADD', KEYS[1], now, person .. ':' .. ticket)
  redis.call('HINCRBY', KEYS[2], person, 1)
  redis.call('PEXPIRE', KEYS[1], length)
  redis.call('PEXPIRE', KEYS[2], length)
  free = free - 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = oldest[2] and tonumber(oldest[2]) + length - now or 0
return told({granted and 1 or 0, math.max(0, free), math.ceil(wait)})
"""
)

# KEYS: for each budget a hash (spent, held, and what each ticket holds), and a sorted set of
# tickets by when they expire. ARGV: the ticket; how long it lasts; budget, amount, milliseconds
# left of each. Back: granted, remaining, whether it is spent rather than held, of each.
RESERVE = (
    _NOW
    + """
local ticket, lasts = ARGV[1], tonumber(ARGV[2])
local answer, all = {}, true
for i = 1, #KEYS, 2 do
  local at = 3 + (i - 1) / 2 * 3
  local budget, amount = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for _, late in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i + 1], '-inf', now)) do
    redis.call('HINCRBY', KEYS[i], 'held', -(tonumber(redis.call('HGET', KEYS[i], late)) or 0))
    redis.call('HDEL', KEYS[i], late)
    redis.call('ZREM', KEYS[i + 1], late)
  end
  local found = redis.call('HMGET', KEYS[i], 'spent', 'held')
  local spent, held = tonumber(found[1]) or 0, tonumber(found[2]) or 0
  local granted = spent + held + amount <= budget
  all = all and granted
  answer[#answer + 1] = granted and 1 or 0
  answer[#answer + 1] = math.max(0, budget - spent - held - (granted and amount or 0))
  answer[#answer + 1] = spent + amount > budget and 1 or 0
end
if all then
  for i = 1, #KEYS, 2 do
    local at = 3 + (i - 1) / 2 * 3
    local keep = tonumber(ARGV[at + 2]) + lasts
    redis.call('HINCRBY', KEYS[i], 'held', ARGV[at + 1])
    redis.call('HSET', KEYS[i], ticket, ARGV[at + 1])
    redis.call('ZADD', KEYS[i + 1], now + lasts, ticket)
    redis.call('PEXPIRE', KEYS[i], keep)
    redis.call('PEXPIRE', KEYS[i + 1], keep)
  end
end
return told(answer)
"""
)

# KEYS: as for RESERVE, then the slots. ARGV: the ticket that holds; the one that has the places;
# what each budget is charged. What is not held is settled already.
END = """
local budgets = #ARGV - 2
for i = 1, 2 * budgets, 2 do
  local held = redis.call('HGET', KEYS[i], ARGV[1])
  if held then
    redis.call('HDEL', KEYS[i], ARGV[1])
    redis.call('ZREM', KEYS[i + 1], ARGV[1])
    redis.call('HINCRBY', KEYS[i], 'held', -held)
    redis.call('HINCRBY', KEYS[i], 'spent', ARGV[3 + (i - 1) / 2])
  end
end
for i = 2 * budgets + 1, #KEYS do
  redis.call('ZREM', KEYS[i], ARGV[2])
end
return 1
"""
