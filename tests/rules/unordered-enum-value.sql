-- case: turned on
-- given: rule unordered-enum-value on
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
-- expect: info unordered-enum-value(Role)

-- case: off, as Prisma writes it
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';

-- case: the other way
-- given: rule unordered-enum-value on
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER' AFTER 'ADMIN';
